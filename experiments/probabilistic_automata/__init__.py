"""The probabilistic world (Wetterich 2020): automata, Ising chains and qubits as matrices."""

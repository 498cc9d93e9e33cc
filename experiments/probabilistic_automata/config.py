"""Settings of every preset, for CPUs. The paper works examples by hand: sizes are all ours."""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of all that is drawn
    "x64": True,  # identities are judged at 1e-10 and below
    "needs": "",
    # chains of positive weights, summed over all histories
    "bits": 2,  # ours: of a layer
    "layers": 10,  # ours: steps; 4^11 histories
    "coupling": 1.0,  # ours: of each bit with itself a step later
    "spread": 0.3,  # ours: of what is added to logarithms of weights
    "mixed": 3,  # ours: boundary terms, the rank of rho'
    "chain": "weights",  # "jumps": a control of permutations
    "automaton": "jumps",  # "weights": a control of positive weights
    "conjugate": True,  # False: a control that squares the wave function
    "heisenberg": True,  # False: a control whose operators do not evolve
    # the Ising chain
    "betas": (1.0, 1.5, 2.0, 2.5),  # ours: more or less `shift`
    "shift": 0.2,  # ours
    "steps": 20,  # ours
    "ising": "weights",  # "jumps": a control
    # automata for long
    "ring": 10,  # ours: sites
    "long": 10_000,  # ours: steps
    "records": 20,  # ours
    "slip": 0.0,  # ours: share of steps that go anywhere; positive, a control
    # right-movers as fermions
    "sites": (6, 7, 8, 9, 10, 12, 14, 16),  # ours: M
    "fock": 9,  # ours: sites of the dense Hamiltonian
    "hop": 1,  # ours: sites a step; 2, a control
    "twist": True,  # False: a control with integer momenta in even sectors
    # two colours that scatter
    "rings": (3, 4, 5, 6, 7),  # ours: sites, four bits each, all states
    "square": 4,  # ours: sites on which orthogonality is looked at
    "pairs": (3, 4, 5, 6, 7, 8, 9),  # ours: rings of one pair
    "sample": 4000,  # ours: random states
    "scatter": "swap",
    # an ensemble of initial states
    "lattice": 64,  # ours: sites
    "walkers": 20_000,  # ours: initial states
    "times": 64,  # ours: steps
    "shown": 8,  # ours: whose numbers of particles are kept
    # one qubit
    "concentration": 0.3,  # ours: of the Dirichlet distribution of 8 states
    "distributions": 400,  # ours
    "judged": 20,  # ours: of them, moved by every rotation
    "permutations": 500,  # ours: generic ones
    "moves": "rotations",
    "others": "any",
    # two qubits
    "draws": 20_000,  # ours: of 15 spins
    "joints": 100,  # ours: joint distributions of four observables
    "joint": True,  # False: a control where each pair is assigned by itself
    "state": "singlet",
    # a wave packet
    "packet": 64,  # ours: sites
    "packet_steps": 200,  # ours
}
CHOICES = {  # of the controls, in no preset
    "chain": ("jumps",),
    "automaton": ("weights",),
    "ising": ("jumps",),
    "scatter": ("none", "turn", "merge"),
    "moves": ("reflections", "any"),
    "others": ("rotations",),
    "state": ("product",),
}
LAPTOP = {"layers": 8, "fock": 8, "rings": (3, 4, 5, 6), "sample": 1000, "walkers": 2000}
SMOKE = LAPTOP | {
    "layers": 4,
    "long": 1000,
    "records": 5,
    "sites": (6, 7, 8),
    "fock": 6,
    "rings": (3, 4),
    "pairs": (3, 4, 5),
    "walkers": 100,
    "times": 16,
    "draws": 2000,
    "packet_steps": 50,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg

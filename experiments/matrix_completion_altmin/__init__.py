"""Low Rank Matrix Completion via Robust Alternating Minimization in Nearly Linear Time."""

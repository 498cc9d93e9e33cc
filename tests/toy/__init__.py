"""The smallest experiment that keeps the contract: descent on a quadratic. For tests of launch/."""

"""How the suite runs: the order of its files, what its tests may cost, and that they leave the machine as it was."""

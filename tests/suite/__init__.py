"""How the suite runs: the order of files, the budgets of tests, and the check that they leave the machine unchanged."""

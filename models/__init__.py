"""Recipes of the shipped weights. `make models` runs them all; `python -m models NAME` runs one."""

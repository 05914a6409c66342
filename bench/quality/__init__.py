"""How good the engines' answers are, on public test sets: see docs/quality.md for the figures and their definitions."""

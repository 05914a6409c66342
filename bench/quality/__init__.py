"""The quality of the engines' answers on public test sets: docs/quality.md has the figures and their definitions."""

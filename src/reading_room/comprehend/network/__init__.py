"""Preparing the network of a job: its interfaces, and the checks before it starts."""

"""The hosts of an installation: who belongs to it, who holds which lease, and where containers run."""

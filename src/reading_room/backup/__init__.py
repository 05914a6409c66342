"""Backups of a data folder, and restoring them elsewhere."""

"""Flywheels, which train new versions of a custom model from datasets in a data lake, and compare them."""

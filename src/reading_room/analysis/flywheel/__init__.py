"""The work of flywheels: their data lakes, their datasets, and the evaluation of their models."""

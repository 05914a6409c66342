"""Slurm as a driver of placement: each container's slot is a job of Slurm, which names the host."""

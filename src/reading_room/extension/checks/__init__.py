"""Checks of the steps of a call that starts a job, and of the job, without taking them."""

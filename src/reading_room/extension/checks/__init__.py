"""What a call that starts a job, and then the job, would meet: the steps of both, looked at and not taken."""

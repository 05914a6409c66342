"""What runs in a job's container: it reads documents from S3, runs an engine, and writes results back.

It imports nothing else of Reading Room. The control plane shares only ``job_file.py`` and ``trained.py``
with it.
"""

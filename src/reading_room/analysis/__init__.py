"""What runs in a job's container: read documents from S3, run an engine, write results back.

It imports nothing of Reading Room outside itself. The control plane shares ``job_file.py`` with it and no other code.
"""

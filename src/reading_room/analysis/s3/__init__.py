"""A client of S3 for workers: the operations that they call, with the standard library alone.

The SDK would take longer to load than everything else that a worker loads (docs/decisions/0083).
"""

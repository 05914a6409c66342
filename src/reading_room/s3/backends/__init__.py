"""Storage of buckets and objects: the embedded backend, over files or memory."""

"""Storage of buckets and objects: the interface, and the embedded backend over files or memory."""

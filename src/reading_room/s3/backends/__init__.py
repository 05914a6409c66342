"""Where buckets and objects are kept: the seam, and the embedded backend over files or memory."""

"""What all EC2 operations share, and the operations on accounts and tags."""

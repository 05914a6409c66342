"""VPC flow logs: from observed packets to delivered records."""

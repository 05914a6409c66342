"""IAM and STS on the wire."""

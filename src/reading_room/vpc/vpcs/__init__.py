"""VPCs, their CIDR blocks, the default VPC, and the service's own network."""

"""VPC endpoints, the services that they lead to, and the names that a VPC's resolver answers."""

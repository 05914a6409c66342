"""Internet gateways, NAT gateways and Elastic IP addresses."""

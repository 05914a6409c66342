"""EC2's operations on internet gateways, NAT gateways and Elastic IP addresses."""

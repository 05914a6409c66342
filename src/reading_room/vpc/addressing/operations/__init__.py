"""EC2's operations on subnets, prefix lists and DHCP options sets."""

"""Subnets, private addresses, prefix lists and DHCP options sets."""

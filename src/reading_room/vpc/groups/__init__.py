"""Security groups, their rules, and network ACLs."""

"""The host names that EC2 gives to private and public addresses."""

from __future__ import annotations


def private_name(address: str, domain: str) -> str:
    """Return the private host name of an address in a domain."""
    return f"ip-{address.replace('.', '-')}.{domain}"


def public_name(address: str, region: str) -> str:
    """Return the public host name of a public address."""
    place = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{address.replace('.', '-')}.{place}.amazonaws.com"

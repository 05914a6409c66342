"""Identifiers in AWS's formats."""

from __future__ import annotations

import secrets
import string
import uuid

_UPPER = string.ascii_uppercase + "234567"


def resource_id(prefix: str) -> str:
    """Return a new EC2 identifier, for example ``vpc-0123456789abcdef0`` for the prefix ``vpc``."""
    return f"{prefix}-0{secrets.token_hex(8)}"


def iam_unique_id(prefix: str) -> str:
    """Return a new IAM unique id of 21 characters, for example ``AROA…`` for the prefix ``AROA``."""
    return prefix + "".join(secrets.choice(_UPPER) for _ in range(17))


def job_id() -> str:
    """Return a new Comprehend job id: 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def request_id() -> str:
    """Return a new AWS request id: a random UUID."""
    return str(uuid.uuid4())


def account_number() -> str:
    """Return a random account number: 12 digits."""
    return f"{secrets.randbelow(10**12):012}"

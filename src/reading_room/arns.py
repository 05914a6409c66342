"""Amazon Resource Names: parsing and building them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arn:
    """The six parts of an ARN; ``resource`` keeps its own colons and slashes."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Split ``arn:partition:service:region:account:resource``.

        Raises ``ValueError`` naming the text if it is not an ARN.
        """
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"not an ARN: {text!r}")
        return cls(*parts[1:])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def ec2_arn(region: str, account: str, kind: str, identifier: str) -> str:
    """Return the ARN of an EC2 resource, for example of kind ``security-group``."""
    return f"arn:aws:ec2:{region}:{account}:{kind}/{identifier}"


def iam_arn(account: str, resource: str) -> str:
    """Return an IAM ARN; ``resource`` is for example ``role/Reader``."""
    return f"arn:aws:iam::{account}:{resource}"


def bucket_arn(bucket: str, key: str | None = None) -> str:
    """Return the ARN of a bucket, or of an object if a key is given."""
    return f"arn:aws:s3:::{bucket}" if key is None else f"arn:aws:s3:::{bucket}/{key}"

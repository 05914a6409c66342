"""Throttling of calls with token buckets, as AWS does it.

There are two kinds of rates. One protects this machine and always applies: a number of calls a second for each
principal, far above what a sensible client needs. The profile ``aws`` adds AWS's own figures, which count the calls of
an account for one operation. Those of EC2 and CloudTrail are documented as buckets and rates, those of STS, KMS,
CloudWatch Logs and S3 as calls a second. Comprehend's are with its other quotas (``comprehend/quotas.py``), which have
another error.

AWS sends no ``Retry-After``, because SDKs wait longer after each error. So no answer here has one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from reading_room.aws.spelling import throttled


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of ``burst`` calls that refills with ``per_second`` calls a second."""

    burst: float
    per_second: float


MACHINE: Mapping[str, Rate] = {"s3": Rate(50_000, 5_000)}
MACHINE_OTHERS = Rate(10_000, 1_000)
"""The rate of every other service."""

UNSIGNED = Rate(20, 1)
"""The rate of refused unsigned calls of one address to one service, in every profile: such calls try secrets."""

EC2_READS = Rate(100, 20)
EC2_WRITES = Rate(50, 5)
EC2_OPERATIONS: Mapping[str, Rate] = {
    "CreateVpcEndpoint": Rate(4, 0.3),
    "ModifyVpcEndpoint": Rate(4, 0.3),
    "DeleteVpcEndpoints": Rate(4, 0.3),
    "CreateTags": Rate(100, 10),
    "DeleteTags": Rate(100, 10),
}
"""EC2's operations with buckets of their own."""
LOGS_OPERATIONS: Mapping[str, Rate] = {
    "PutLogEvents": Rate(5_000, 5_000),
    "CreateLogStream": Rate(50, 50),
    "GetLogEvents": Rate(25, 25),
    "DescribeLogStreams": Rate(25, 25),
}
LOGS_OTHERS = Rate(10, 10)
STS_OPERATIONS = Rate(600, 600)
CLOUDTRAIL_OPERATIONS = Rate(2, 2)
_KMS = {
    0.25: ("GetParametersForImport",),
    10: ("TagResource",),
    15: ("DeleteAlias", "EnableKeyRotation", "ImportKeyMaterial", "PutKeyPolicy", "ScheduleKeyDeletion"),
    30: ("RetireGrant", "RevokeGrant"),
    50: ("CreateGrant",),
    100: ("ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListRetirableGrants"),
    500: ("ListAliases", "ListKeys", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"),
    1_000: ("GetKeyPolicy", "GetKeyRotationStatus", "Sign", "Verify"),
    2_000: ("DescribeKey", "GetPublicKey", "ListResourceTags"),
    10_000: (
        *("Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
        *("GenerateMac", "VerifyMac", "GenerateRandom"),
    ),
}
KMS_OPERATIONS: Mapping[str, Rate] = {name: Rate(max(rate, 1), rate) for rate, names in _KMS.items() for name in names}
KMS_OTHERS = Rate(5, 5)
S3_READS = Rate(5_500, 5_500)
S3_WRITES = Rate(3_500, 3_500)
"""The rates of one S3 bucket. AWS counts by prefix, and a new bucket has one."""
BUCKETS_KEPT = 10_000
"""Most buckets in memory. The least recently used one is dropped, and so is full again."""


def machine_rate(service: str) -> Rate:
    """Return the rate of one principal's calls to a service, for every profile."""
    return MACHINE.get(service, MACHINE_OTHERS)


def aws_rate(service: str, operation: str) -> Rate | None:
    """Return AWS's rate for an account's calls of an operation; ``None`` if AWS documents none."""
    reads = _kind(operation) == "read"
    match service:
        case "ec2":
            return EC2_OPERATIONS.get(operation, EC2_READS if reads else EC2_WRITES)
        case "logs":
            return LOGS_OPERATIONS.get(operation, LOGS_OTHERS)
        case "sts":
            return STS_OPERATIONS
        case "cloudtrail":
            return CLOUDTRAIL_OPERATIONS
        case "kms":
            return KMS_OPERATIONS.get(operation, KMS_OTHERS)
        case "s3":
            return S3_READS if reads else S3_WRITES
        case _:
            return None


class Buckets:
    """Token buckets by key. A new bucket is full. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic, kept: int = BUCKETS_KEPT) -> None:
        """``now`` returns seconds of any epoch; ``kept`` is the maximum number of buckets."""
        self.taken: Callable[[Rate, tuple[str, ...], int], None] | None = None
        """Called with what was taken from a bucket, to tell other processes of it."""
        self._now = now
        self._kept = kept
        self._lock = threading.Lock()
        self._buckets: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of buckets in memory."""
        return len(self._buckets)

    def take(self, rate: Rate, key: tuple[str, ...], cost: int = 1) -> bool:
        """Take a call from a bucket. Say whether it had one.

        A call may cost more than one, and more than the bucket has: then the bucket owes the rest.
        """
        with self._lock:
            now = self._now()
            left = self._left(rate, key, now)
            within = left >= 1
            self._buckets[key] = (left - cost if within else left, now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > self._kept:
                self._buckets.popitem(last=False)
        if within and self.taken is not None:
            self.taken(rate, key, cost)
        return within

    def charge(self, rate: Rate, key: tuple[str, ...], calls: int) -> None:
        """Take calls from a bucket that were admitted elsewhere. It may owe some then.

        It owes at most its burst, or what these calls cost.
        """
        with self._lock:
            now = self._now()
            self._buckets[key] = (max(self._left(rate, key, now) - calls, -max(rate.burst, calls)), now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > self._kept:
                self._buckets.popitem(last=False)

    def owe(self, rate: Rate, key: tuple[str, ...], cost: int) -> None:
        """Take the cost of a call that was admitted already."""
        self.charge(rate, key, cost)
        if self.taken is not None:
            self.taken(rate, key, cost)

    def has(self, rate: Rate, key: tuple[str, ...]) -> bool:
        """Say whether a bucket has a call, without taking it."""
        with self._lock:
            return self._left(rate, key, self._now()) >= 1

    def _left(self, rate: Rate, key: tuple[str, ...], now: float) -> float:
        left, then = self._buckets.get(key, (rate.burst, now))
        # After a clock was set back, no time has passed.
        return min(rate.burst, left + max(0.0, now - then) * rate.per_second)


class Throttle:
    """Counts calls and refuses those above the rates. Thread-safe."""

    def __init__(
        self,
        profile: Literal["open", "aws"] = "open",
        now: Callable[[], float] = time.monotonic,
        *,
        of_machine: Callable[[str], Rate] = machine_rate,
        of_aws: Callable[[str, str], Rate | None] = aws_rate,
        kept: int = BUCKETS_KEPT,
    ) -> None:
        """``now`` returns seconds of any epoch; ``kept`` is the maximum number of buckets."""
        self._aws = profile == "aws"
        self._of_machine = of_machine
        self._of_aws = of_aws
        self._buckets = Buckets(now, kept)
        self.of_aws = Buckets(now, kept)
        """The buckets with AWS's own rates, which count the calls of all processes of an installation."""

    def admit(self, service: str, operation: str, caller: str, account: str, bucket: str | None = None) -> None:
        """Count a call of ``caller``, an ARN or the origin of an anonymous call.

        ``account`` is the caller's; ``bucket`` is that of an S3 request. Raises the service's throttling error.
        """
        within = self._buckets.take(self._of_machine(service), ("machine", service, caller))
        if within and self._aws:
            rate = self._of_aws(service, operation)
            # S3 counts the requests to a bucket, the other services the calls of an account.
            counted = (bucket or account, _kind(operation)) if service == "s3" else (account, operation)
            within = rate is None or self.of_aws.take(rate, (service, *counted))
        if not within:
            raise throttled(service)

    def admit_unsigned(self, service: str, source: str) -> None:
        """Count a refused unsigned call of an address. Raises the service's throttling error."""
        if not self._buckets.take(UNSIGNED, ("unsigned", service, source)):
            raise throttled(service)


def _kind(operation: str) -> Literal["read", "write"]:
    return "read" if operation.startswith(("Describe", "Get", "Head", "List")) else "write"

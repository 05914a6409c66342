"""Rates of calls: token buckets, as AWS throttles, and the error that each service answers above them.

Two kinds of rate. One protects this machine and holds always: so many calls a second of one principal, far above what a
client in its right mind makes. The profile ``aws`` adds AWS's own figures, which count an account's calls of one
operation: EC2's and CloudTrail's are documented as buckets and rates, STS's, CloudWatch Logs' and S3's as calls a
second. Comprehend's are with its other quotas (``comprehend/quotas.py``), whose error is another.

AWS says nowhere when to come back: SDKs wait longer each time, so no answer has a ``Retry-After``.
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
    """A bucket of ``burst`` calls that fills by ``per_second``."""

    burst: float
    per_second: float


MACHINE: Mapping[str, Rate] = {"s3": Rate(50_000, 5_000)}
MACHINE_OTHERS = Rate(10_000, 1_000)
"""With a service that is not named above."""

UNSIGNED = Rate(20, 1)
"""How often a service may refuse one address without a signature, whatever the profile: such calls bring a secret."""

EC2_READS = Rate(100, 20)
EC2_WRITES = Rate(50, 5)
EC2_OPERATIONS: Mapping[str, Rate] = {
    "CreateVpcEndpoint": Rate(4, 0.3),
    "ModifyVpcEndpoint": Rate(4, 0.3),
    "DeleteVpcEndpoints": Rate(4, 0.3),
    "CreateTags": Rate(100, 10),
    "DeleteTags": Rate(100, 10),
}
"""The operations of EC2 that have buckets of their own."""
LOGS_OPERATIONS: Mapping[str, Rate] = {
    "PutLogEvents": Rate(5_000, 5_000),
    "CreateLogStream": Rate(50, 50),
    "GetLogEvents": Rate(25, 25),
    "DescribeLogStreams": Rate(25, 25),
}
LOGS_OTHERS = Rate(10, 10)
STS_OPERATIONS = Rate(600, 600)
CLOUDTRAIL_OPERATIONS = Rate(2, 2)
S3_READS = Rate(5_500, 5_500)
S3_WRITES = Rate(3_500, 3_500)
"""Of one bucket: AWS counts by prefix, and a bucket begins with one."""
BUCKETS_KEPT = 10_000
"""Buckets that are remembered; the one unused for longest is forgotten, which is to say full again."""


def machine_rate(service: str) -> Rate:
    """Return what one principal may do with a service, whatever the profile."""
    return MACHINE.get(service, MACHINE_OTHERS)


def aws_rate(service: str, operation: str) -> Rate | None:
    """Return AWS's own rate for an account's calls of an operation; ``None`` where AWS documents none."""
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
        case "s3":
            return S3_READS if reads else S3_WRITES
        case _:
            return None


class Buckets:
    """Token buckets by key. A bucket that was never asked for, or was forgotten, is full. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic, kept: int = BUCKETS_KEPT) -> None:
        """``now`` tells seconds, from whatever beginning; ``kept`` is how many buckets are remembered."""
        self._now = now
        self._kept = kept
        self._lock = threading.Lock()
        self._buckets: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._buckets)

    def take(self, rate: Rate, key: tuple[str, ...]) -> bool:
        """Take a call out of a bucket; say whether there was one."""
        with self._lock:
            now = self._now()
            left = self._left(rate, key, now)
            within = left >= 1
            self._buckets[key] = (left - 1 if within else left, now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > self._kept:
                self._buckets.popitem(last=False)
            return within

    def has(self, rate: Rate, key: tuple[str, ...]) -> bool:
        """Say whether there is a call in a bucket, and leave it there."""
        with self._lock:
            return self._left(rate, key, self._now()) >= 1

    def _left(self, rate: Rate, key: tuple[str, ...], now: float) -> float:
        left, then = self._buckets.get(key, (rate.burst, now))
        return min(rate.burst, left + (now - then) * rate.per_second)


class Throttle:
    """Counts calls and refuses those beyond the rates. Its method may be called by any thread."""

    def __init__(
        self,
        profile: Literal["open", "aws"] = "open",
        now: Callable[[], float] = time.monotonic,
        *,
        of_machine: Callable[[str], Rate] = machine_rate,
        of_aws: Callable[[str, str], Rate | None] = aws_rate,
        kept: int = BUCKETS_KEPT,
    ) -> None:
        """``now`` tells seconds, from whatever beginning; ``kept`` is how many buckets are remembered."""
        self._aws = profile == "aws"
        self._of_machine = of_machine
        self._of_aws = of_aws
        self._buckets = Buckets(now, kept)

    def admit(self, service: str, operation: str, caller: str, account: str, bucket: str | None = None) -> None:
        """Count a call of ``caller`` (an ARN, or where a nameless one comes from).

        ``account`` is the caller's; ``bucket`` is that of an S3 request. Raises the service's error of a caller who is
        too fast.
        """
        within = self._buckets.take(self._of_machine(service), ("machine", service, caller))
        if within and self._aws:
            rate = self._of_aws(service, operation)
            # S3 counts what a bucket is asked for, all others what an account calls.
            counted = (bucket or account, _kind(operation)) if service == "s3" else (account, operation)
            within = rate is None or self._buckets.take(rate, ("aws", service, *counted))
        if not within:
            raise throttled(service)

    def admit_unsigned(self, service: str, source: str) -> None:
        """Count a refused call without a signature, from an address. Raises the error of a caller who is too fast."""
        if not self._buckets.take(UNSIGNED, ("unsigned", service, source)):
            raise throttled(service)


def _kind(operation: str) -> Literal["read", "write"]:
    return "read" if operation.startswith(("Describe", "Get", "Head", "List")) else "write"

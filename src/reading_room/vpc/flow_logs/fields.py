"""The fields of a flow log record, the version that introduced each, and the syntax of a format.

Only fields that can be filled in correctly here are listed. The fields of transit gateways (version 6), regional NAT
gateways (9), and of tags and next hops (11) are not, so a format that names one is rejected (Amazon VPC User Guide,
"Flow log records").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_BY_VERSION = {
    2: "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status",
    3: "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr",
    4: "region az-id sublocation-type sublocation-id",
    5: "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path",
    7: "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id "
    "ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id",
    8: "reject-reason",
    10: "encryption-status",
}

FIELDS: Mapping[str, int] = {name: version for version, names in _BY_VERSION.items() for name in names.split()}
"""The version of the record format that introduced each field, by field name."""

DEFAULT_FORMAT = " ".join(f"${{{name}}}" for name in _BY_VERSION[2].split())
"""The format of a flow log without a LogFormat: the fields of version 2, in order."""

_FORM = re.compile(r"\$\{[^${}\s]*\}(?: +\$\{[^${}\s]*\})*")


class LogFormatError(ValueError):
    """A format is not of the form ``${field} ${field} …``, or names unknown fields (``fields``)."""

    def __init__(self, text: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(f"unknown fields: {', '.join(fields)}" if fields else f"not a log format: {text!r}")
        self.fields = fields


def parse_format(text: str) -> tuple[str, ...]:
    """Return the field names of a format, in order. Raises ``LogFormatError``."""
    if not _FORM.fullmatch(text.strip()):
        raise LogFormatError(text)
    names = tuple(re.findall(r"\$\{([^}]*)\}", text))
    unknown = tuple(name for name in names if name not in FIELDS)
    if unknown:
        raise LogFormatError(text, unknown)
    return names


def record_version(names: tuple[str, ...]) -> int:
    """Return the value of ``${version}``: the highest version among the fields, at least 2."""
    return max((FIELDS[name] for name in names), default=2)

"""The tag that takes the place of VpcConfig in the requests of jobs for which AWS has no VpcConfig.

Its value names the subnets and the security groups, separated by blanks: ``subnet-0a1b sg-2c3d``. The tag counts when a
job is submitted, and stays as it was then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.comprehend.errors import VpcTagInvalid, VpcTagNotUsed

VPC_TAG = "reading-room:vpc"
MOST_SUBNETS, MOST_GROUPS = 16, 5
"""As in VpcConfig."""
OPERATIONS = frozenset(kind.start for kind in JOB_KINDS if kind.vpc_tag)
"""The operations whose requests have no VpcConfig, so that the tag names the network."""

_IDENTIFIER = re.compile(r"(subnet|sg)-[0-9a-zA-Z-]{1,25}")


def network_of(operation: str, request: Mapping[str, Any]) -> Mapping[str, Sequence[str]] | None:
    """Return the VpcConfig of a Start or Create request, or what its tag names in its place; ``None`` for neither.

    Raises ``VpcTagInvalid``, and ``VpcTagNotUsed`` for a tag beside operations that have a VpcConfig.
    """
    value = next((tag.get("Value", "") for tag in request.get("Tags") or () if tag["Key"] == VPC_TAG), None)
    if operation not in OPERATIONS:
        if value is not None:
            raise VpcTagNotUsed(VPC_TAG, operation)
        return request.get("VpcConfig")
    return None if value is None else read(value)


def known_network(operation: str, request: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return what ``network_of`` does, empty for none and for an invalid tag: such a request is refused later."""
    with suppress(VpcTagInvalid, VpcTagNotUsed):
        return network_of(operation, request) or {}
    return {}


def read(value: str) -> Mapping[str, Sequence[str]]:
    """Return the network that the tag's value names, in the form of VpcConfig. Raises ``VpcTagInvalid``."""
    words = value.split()
    named: dict[str, list[str]] = {"subnet": [], "sg": []}
    for word in words:
        found = _IDENTIFIER.fullmatch(word)
        if found is None:
            raise VpcTagInvalid(VPC_TAG, value, f"{word!r} is neither")
        if word in named[found[1]]:
            raise VpcTagInvalid(VPC_TAG, value, f"{word} is there twice")
        named[found[1]].append(word)
    for what, most in (("subnet", MOST_SUBNETS), ("sg", MOST_GROUPS)):
        if not 1 <= len(named[what]) <= most:
            raise VpcTagInvalid(VPC_TAG, value, f"it has {len(named[what])} ids that begin with {what}-")
    return {"Subnets": named["subnet"], "SecurityGroupIds": named["sg"]}


def with_network(operation: str, request: Mapping[str, Any], config: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return a request with another network, as its operation takes it."""
    if operation not in OPERATIONS:
        return {**request, "VpcConfig": config}
    others = [tag for tag in request.get("Tags") or () if tag["Key"] != VPC_TAG]
    value = " ".join([*config["Subnets"], *config["SecurityGroupIds"]])
    return {**request, "Tags": [*others, {"Key": VPC_TAG, "Value": value}]}

"""Whether the containers of one job can reach each other, computed from a ``NetworkSpec``, before and after they start.

The message for a missing rule has the command that adds it. The rule is then added to the spec and the check repeated,
so that all the commands of a message together are sufficient.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

from reading_room.analysis.job_file import CLUSTER_PORTS, SCHEDULER_PORT, WORKER_PORT
from reading_room.dataplane.rules.semantics import TCP, Packet, Verdict, decide
from reading_room.dataplane.spec import GroupPeer, NetworkSpec, SecurityGroup, SecurityGroupRule
from reading_room.vpc.tables import NetworkInterface

Direction = Literal["ingress", "egress"]
_REFUSED: dict[str, Direction] = {"refused-ingress": "ingress", "refused-egress": "egress"}
_FIRST, _LAST = CLUSTER_PORTS


def obstacle(spec: NetworkSpec, members: Sequence[NetworkInterface], groups: Sequence[str]) -> str | None:
    """Return sentences on why the containers cannot reach each other and what to change, or ``None`` if they can.

    ``members`` are their interfaces, the first container's first, each attached in ``spec``. ``groups`` are the
    security groups of the job.
    """
    missing: list[Direction] = []
    said = ""
    while True:
        found = next(_refusals(spec, members), None)
        if found is None:
            break
        said = said or found.sentence
        direction = _REFUSED.get(found.outcome)
        if direction is None or direction in missing:
            return _message(len(members), said, missing, groups[0], found.sentence)
        missing.append(direction)
        spec = _with_rule(spec, groups[0], direction)
    return _message(len(members), said, missing, groups[0]) if missing else None


PORTS = (_FIRST, _LAST)
"""The first and the last port at which the containers of a job reach each other."""


def command(group_id: str, direction: Direction) -> str:
    """Return the AWS CLI command for the rule that lets a group's members reach each other, in one direction."""
    if direction == "ingress":
        return (
            f"aws ec2 authorize-security-group-ingress --group-id {group_id} --protocol tcp --port {_FIRST}-{_LAST} "
            f"--source-group {group_id}"
        )
    permission = f"IpProtocol=tcp,FromPort={_FIRST},ToPort={_LAST},UserIdGroupPairs=[{{GroupId={group_id}}}]"
    return f"aws ec2 authorize-security-group-egress --group-id {group_id} --ip-permissions '{permission}'"


def _refusals(spec: NetworkSpec, members: Sequence[NetworkInterface]) -> Iterator[Verdict]:
    """Yield the verdict of every connection between the containers that does not arrive."""
    first, *others = members
    wanted = [(other, first, SCHEDULER_PORT) for other in others]
    wanted += [(one, other, WORKER_PORT) for one in members for other in members if one is not other]
    for one, other, port in wanted:
        verdict = decide(spec, Packet(one.vpc_id, one.interface_id, other.address, TCP, port))
        if not verdict.delivered or verdict.delivered_to != other.interface_id:
            yield verdict


def _with_rule(spec: NetworkSpec, group_id: str, direction: Direction) -> NetworkSpec:
    """Return the network with the rule that ``command`` adds."""

    def with_rule(group: SecurityGroup) -> SecurityGroup:
        return _opened(group, direction) if group.group_id == group_id else group

    vpcs = (dataclasses.replace(vpc, groups=tuple(map(with_rule, vpc.groups))) for vpc in spec.vpcs)
    return dataclasses.replace(spec, vpcs=tuple(vpcs))


def _opened(group: SecurityGroup, direction: Direction) -> SecurityGroup:
    rule = SecurityGroupRule("", TCP, _FIRST, _LAST, GroupPeer(group.group_id))
    if direction == "ingress":
        return dataclasses.replace(group, ingress=(*group.ingress, rule))
    return dataclasses.replace(group, egress=(*group.egress, rule))


def _message(containers: int, said: str, missing: Sequence[Direction], group_id: str, other: str = "") -> str:
    reason = said.partition(": add one with")[0]
    text = f"The {containers} containers of the job cannot reach each other: {reason}."
    if missing:
        allowed = " and ".join(f"{each} {'from' if each == 'ingress' else 'to'} itself" for each in missing)
        commands = " and ".join(f"`{command(group_id, each)}`" for each in missing)
        text += (
            f" Allow {group_id} {allowed}: {commands}. Rules for all traffic of {group_id} with itself (--protocol "
            "all) work as well. Or run the job in one container, with the tag reading-room:containers=1."
        )
    if other and other != said:
        text += f" In addition, {other}."
    return text

"""What an EC2 call is about, for its authorization: ARNs, and the condition keys that follow from rows.

Scopes are put together from parts: ``existing`` for resources that a parameter names, ``created`` for what the call
makes. EC2's list of keys per operation is in the Service Authorization Reference, "Actions, resources, and condition
keys for Amazon EC2".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.vpc.identifiers import ROUTE_TABLE, SUBNET, VPC, Kind, kind_of
from reading_room.vpc.tables import RouteTableAssociation, Tag, VpcCidr


@dataclass(frozen=True, slots=True)
class Scope:
    """The ARNs that a call touches and the values of its condition keys.

    ``of_resource`` has the keys of each ARN by itself. ``context`` has those of the request, and of the resources' keys
    only the ones on which all existing resources of the call agree: a policy that asks for a tag is then never
    satisfied by the tag of another resource.
    """

    resources: tuple[str, ...]
    context: Mapping[str, Sequence[str]]
    of_resource: Mapping[str, Mapping[str, Sequence[str]]]


Part = Callable[[Session, Call], Iterator[tuple[str, Mapping[str, str]]]]
"""Yields an ARN with the keys of that resource, or an empty text with keys of the request."""


def about(*parts: Part) -> Callable[[Session, Call], Scope]:
    """Return the scope that the parts make together."""

    def scope(session: Session, call: Call) -> Scope:
        of_resource: dict[str, Mapping[str, Sequence[str]]] = {}
        of_request: dict[str, list[str]] = {}
        for part in parts:
            for arn, keys in part(session, call):
                if arn:
                    of_resource[arn] = {key: (value,) for key, value in keys.items()}
                    continue
                for key, value in keys.items():
                    if value not in of_request.setdefault(key, []):
                        of_request[key].append(value)
        return Scope(
            tuple(of_resource) or ("*",),
            {**_agreed(of_resource), **{key: tuple(values) for key, values in of_request.items()}},
            of_resource,
        )

    return scope


def _agreed(of_resource: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, Sequence[str]]:
    # What the call makes ends in "/*" and has no row yet, so it has no say.
    existing_ones = [keys for arn, keys in of_resource.items() if not arn.endswith("/*")]
    agreed = dict(existing_ones[0]) if existing_ones else {}
    for keys in existing_ones[1:]:
        agreed = {key: value for key, value in agreed.items() if keys.get(key) == value}
    return agreed


def existing(kind: Kind, *parameters: str) -> Part:
    """Resources of one kind that these parameters name, by an id or a list of ids."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for parameter in parameters:
            for identifier in _listed(call.parameters.get(parameter)):
                yield from describe(session, call, kind, identifier)

    return part


def anything(parameter: str) -> Part:
    """Resources of any kind, told apart by the prefix of their ids. Unknown prefixes count as no resource."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for identifier in _listed(call.parameters.get(parameter)):
            yield from describe(session, call, kind_of(identifier), identifier)

    return part


def created(kind: Kind) -> Part:
    """A resource that the call makes, with the tags that it wants on it."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        yield ec2_arn(call.region, call.account, kind.word, "*"), {}
        for specification in call.parameters.get("TagSpecifications") or ():
            for tag in specification.get("Tags") or ():
                yield "", _request_tag(tag)

    return part


def request_tags_of(parameter: str) -> Part:
    """The tags that a CreateTags or DeleteTags names."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for tag in call.parameters.get(parameter) or ():
            yield "", _request_tag(tag)

    return part


def association(parameter: str) -> Part:
    """The route table, and the subnet if any, of an association that a parameter names."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        row = session.get(RouteTableAssociation, str(call.parameters.get(parameter)))
        if row is None:
            return
        yield from describe(session, call, ROUTE_TABLE, row.route_table_id)
        if row.subnet_id is not None:
            yield from describe(session, call, SUBNET, row.subnet_id)

    return part


def vpc_of_block(parameter: str) -> Part:
    """The VPC whose block an association that a parameter names is."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        row = session.get(VpcCidr, str(call.parameters.get(parameter)))
        if row is not None:
            yield from describe(session, call, VPC, row.vpc_id)

    return part


def value(key: str, parameter: str, form: str = "{}") -> Part:
    """A condition key whose value is a parameter of the call, put into ``form``."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        if call.parameters.get(parameter) is not None:
            yield "", {key: form.format(call.parameters[parameter])}

    return part


def describe(session: Session, call: Call, kind: Kind, identifier: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Return a resource's ARN and the keys that follow from its row. One that does not exist has its ARN only."""
    keys: dict[str, str] = {}
    row: Any = session.get(kind.table, identifier)
    if row is not None and row.account == call.account:
        for tag in session.scalars(select(Tag).where(Tag.resource_id == identifier)):
            keys[f"aws:ResourceTag/{tag.key}"] = tag.value
            keys[f"ec2:ResourceTag/{tag.key}"] = tag.value
        if getattr(row, "vpc_id", None):
            keys["ec2:Vpc"] = ec2_arn(call.region, call.account, VPC.word, row.vpc_id)
        if getattr(row, "subnet_id", None):
            keys["ec2:Subnet"] = ec2_arn(call.region, call.account, SUBNET.word, row.subnet_id)
        if getattr(row, "availability_zone", None):
            keys["ec2:AvailabilityZone"] = row.availability_zone
    yield ec2_arn(call.region, call.account, kind.word, identifier), keys


def _request_tag(tag: Mapping[str, str]) -> dict[str, str]:
    key = tag.get("Key", "")
    keys = {"aws:TagKeys": key}
    if "Value" in tag:
        keys[f"aws:RequestTag/{key}"] = tag["Value"]
    return keys


def _listed(given: object) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else [str(item) for item in given]  # type: ignore[attr-defined]

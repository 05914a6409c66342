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
from reading_room.aws.errors import AwsError
from reading_room.vpc import lookup
from reading_room.vpc.identifiers import NETWORK_INTERFACE, ROUTE_TABLE, SECURITY_GROUP, SUBNET, VPC, Kind, kind_of
from reading_room.vpc.tables import NetworkInterfacePermission, RouteTableAssociation, Tag, VpcCidr

PLACE = ("ec2:Vpc", "ec2:Subnet", "ec2:AvailabilityZone")
"""Keys that say where a resource is."""
_ID_KEYS = {
    "vpc": "ec2:VpcID",
    "subnet": "ec2:SubnetID",
    "security-group": "ec2:SecurityGroupID",
    "route-table": "ec2:RouteTableID",
    "network-interface": "ec2:NetworkInterfaceID",
    "internet-gateway": "ec2:InternetGatewayID",
    "dhcp-options": "ec2:DhcpOptionsID",
    "elastic-ip": "ec2:AllocationId",
}
_ROW_KEYS = {
    "ec2:AvailabilityZone": "availability_zone",
    "ec2:Tenancy": "tenancy",
    "ec2:PublicIpAddress": "public_ip",
    "ec2:VpceServiceName": "service_name",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The ARNs that a call touches and the values of its condition keys.

    ``of_resource`` has the keys of each ARN by itself. ``context`` has those of the request, and the place (VPC,
    subnet, zone) on which all existing resources of the call agree: what the call makes will be there, too. A tag
    belongs to its own resource only, so that none satisfies or hinders a policy about another.
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
    agreed = {key: existing_ones[0][key] for key in PLACE if existing_ones and key in existing_ones[0]}
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


def created(kind: Kind, *, within: tuple[Kind, str] | None = None) -> Part:
    """A resource that the call makes, with the tags that it wants on it.

    ``within`` names what it will be in, as a kind and a parameter: its place is known before it exists.
    """

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        place: dict[str, str] = {}
        if within is not None and call.parameters.get(within[1]):
            for _, keys in describe(session, call, within[0], str(call.parameters[within[1]])):
                place = {key: keys[key] for key in PLACE if key in keys}
        yield ec2_arn(call.region, call.account, kind.word, "*"), place
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


def named_group(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The security group that GroupId names, or GroupName in the default VPC: the same group under both."""
    group_id, name = call.parameters.get("GroupId"), call.parameters.get("GroupName")
    if not group_id and name:
        try:
            group_id = lookup.security_group(session, call.account, None, str(name)).group_id
        except AwsError:
            return  # There is none, as the operation itself will say.
    if group_id:
        yield from describe(session, call, SECURITY_GROUP, str(group_id))


def listed(kind: Kind, parameter: str, member: str) -> Part:
    """Resources that the entries of a list of structures name."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for entry in call.parameters.get(parameter) or ():
            if entry.get(member):
                yield from describe(session, call, kind, str(entry[member]))

    return part


def interface_of_permission(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The network interface that a permission was given on."""
    row = session.get(NetworkInterfacePermission, str(call.parameters.get("NetworkInterfacePermissionId")))
    if row is not None:
        yield from describe(session, call, NETWORK_INTERFACE, row.interface_id)


def vpc_or_default(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The VPC that VpcId names, by default the account's default VPC."""
    if call.parameters.get("VpcId"):
        yield from describe(session, call, VPC, str(call.parameters["VpcId"]))
    elif (default := lookup.default_vpc(session, call.account)) is not None:
        yield from describe(session, call, VPC, default.vpc_id)


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
    keys: dict[str, str] = {_ID_KEYS[kind.word]: identifier} if kind.word in _ID_KEYS else {}
    row: Any = session.get(kind.table, identifier)
    if row is not None and row.account == call.account:
        for tag in session.scalars(select(Tag).where(Tag.resource_id == identifier)):
            keys[f"aws:ResourceTag/{tag.key}"] = tag.value
            keys[f"ec2:ResourceTag/{tag.key}"] = tag.value
        if getattr(row, "vpc_id", None):
            keys["ec2:Vpc"] = ec2_arn(call.region, call.account, VPC.word, row.vpc_id)
        if getattr(row, "subnet_id", None):
            keys["ec2:Subnet"] = ec2_arn(call.region, call.account, SUBNET.word, row.subnet_id)
        keys |= {key: str(value) for key, name in _ROW_KEYS.items() if (value := getattr(row, name, None))}
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

"""The resources of an EC2 call for its authorization: their ARNs, and the condition keys derived from their rows.

Scopes are composed of parts: ``existing`` for resources that a parameter names, ``created`` for those that the call
creates. EC2's list of keys per operation is in the Service Authorization Reference, "Actions, resources, and condition
keys for Amazon EC2".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.aws.errors import AwsError
from reading_room.database import rows
from reading_room.vpc import lookup
from reading_room.vpc.identifiers import NETWORK_INTERFACE, ROUTE_TABLE, SECURITY_GROUP, SUBNET, VPC, Kind, kind_of
from reading_room.vpc.tables import NetworkInterfacePermission, RouteTableAssociation, Tag, VpcCidr

PLACE = ("ec2:Vpc", "ec2:Subnet", "ec2:AvailabilityZone")
"""The condition keys for the place of a resource."""
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
_TAGS = select(rows.table(Tag).c.key, rows.table(Tag).c.value).where(Tag.resource_id == bindparam("resource_id"))
_DESCRIBED = "described"
"""The name, in a session's ``info``, of the resources that one scope has read."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The ARNs that a call touches and the values of its condition keys.

    ``of_resource`` has the keys of each ARN. ``context`` has those of the request, and the place (VPC, subnet, zone)
    that all existing resources of the call share, which will also be the place of a created resource. Tags are only in
    the keys of their own resource, so that they do not affect policies about other resources.
    """

    resources: tuple[str, ...]
    context: Mapping[str, Sequence[str]]
    of_resource: Mapping[str, Mapping[str, Sequence[str]]]


Part = Callable[[Session, Call], Iterator[tuple[str, Mapping[str, str]]]]
"""A function that yields ARNs with the keys of the resource, or an empty text with keys of the request."""


def about(*parts: Part) -> Callable[[Session, Call], Scope]:
    """Return a scope function that combines the parts."""

    def scope(session: Session, call: Call) -> Scope:
        of_resource: dict[str, Mapping[str, Sequence[str]]] = {}
        of_request: dict[str, list[str]] = {}
        # Several parts may describe the same resource.
        session.info[_DESCRIBED] = {}
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
    # The ARN of a resource to create ends in "/*". It has no row yet, so it is left out.
    existing_ones = [keys for arn, keys in of_resource.items() if not arn.endswith("/*")]
    agreed = {key: existing_ones[0][key] for key in PLACE if existing_ones and key in existing_ones[0]}
    for keys in existing_ones[1:]:
        agreed = {key: value for key, value in agreed.items() if keys.get(key) == value}
    return agreed


def existing(kind: Kind, *parameters: str) -> Part:
    """Return a part for the resources of one kind that these parameters name, by an id or a list of ids."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for parameter in parameters:
            for identifier in _listed(call.parameters.get(parameter)):
                yield from describe(session, call, kind, identifier)

    return part


def anything(parameter: str) -> Part:
    """Return a part for resources of any kind. The prefix of an id determines the kind; unknown ones are left out."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for identifier in _listed(call.parameters.get(parameter)):
            yield from describe(session, call, kind_of(identifier), identifier)

    return part


def created(kind: Kind, *, within: tuple[Kind, str] | None = None) -> Part:
    """Return a part for a resource that the call creates, with the tags that it requests.

    ``within`` is the kind of the resource that will contain it, and the parameter that names that one, so that the
    place is known before the resource exists.
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
    """Return a part for the tags in a CreateTags or DeleteTags request."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for tag in call.parameters.get(parameter) or ():
            yield "", _request_tag(tag)

    return part


def named_group(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the security group that GroupId names, or that GroupName names in the default VPC."""
    group_id, name = call.parameters.get("GroupId"), call.parameters.get("GroupName")
    if not group_id and name:
        try:
            group_id = lookup.security_group(session, call.account, None, str(name)).group_id
        except AwsError:
            return  # The group does not exist; the operation itself will raise the error.
    if group_id:
        yield from describe(session, call, SECURITY_GROUP, str(group_id))


def listed(kind: Kind, parameter: str, member: str) -> Part:
    """Return a part for the resources that ``member`` names in each structure of a list parameter."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        for entry in call.parameters.get(parameter) or ():
            if entry.get(member):
                yield from describe(session, call, kind, str(entry[member]))

    return part


def interface_of_permission(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the network interface of a permission."""
    row = session.get(NetworkInterfacePermission, str(call.parameters.get("NetworkInterfacePermissionId")))
    if row is not None:
        yield from describe(session, call, NETWORK_INTERFACE, row.interface_id)


def vpc_or_default(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the VPC that VpcId names, by default the account's default VPC."""
    if call.parameters.get("VpcId"):
        yield from describe(session, call, VPC, str(call.parameters["VpcId"]))
    elif (default := lookup.default_vpc(session, call.account)) is not None:
        yield from describe(session, call, VPC, default.vpc_id)


def association(parameter: str) -> Part:
    """Return a part for the route table, and the subnet if any, of the association that a parameter names."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        row = session.get(RouteTableAssociation, str(call.parameters.get(parameter)))
        if row is None:
            return
        yield from describe(session, call, ROUTE_TABLE, row.route_table_id)
        if row.subnet_id is not None:
            yield from describe(session, call, SUBNET, row.subnet_id)

    return part


def vpc_of_block(parameter: str) -> Part:
    """Return a part for the VPC of the block association that a parameter names."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        row = session.get(VpcCidr, str(call.parameters.get(parameter)))
        if row is not None:
            yield from describe(session, call, VPC, row.vpc_id)

    return part


def value(key: str, parameter: str, form: str = "{}") -> Part:
    """Return a part for a condition key whose value is a parameter of the call, formatted with ``form``."""

    def part(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
        if call.parameters.get(parameter) is not None:
            yield "", {key: form.format(call.parameters[parameter])}

    return part


def describe(session: Session, call: Call, kind: Kind, identifier: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield a resource's ARN and the keys derived from its row; only the ARN if it does not exist."""
    known: dict[tuple[str, str], Mapping[str, str]] = session.info.setdefault(_DESCRIBED, {})
    which = kind.word, identifier
    if which not in known:
        known[which] = _keys_of(session, call, kind, identifier)
    yield ec2_arn(call.region, call.account, kind.word, identifier), known[which]


def _keys_of(session: Session, call: Call, kind: Kind, identifier: str) -> Mapping[str, str]:
    keys: dict[str, str] = {_ID_KEYS[kind.word]: identifier} if kind.word in _ID_KEYS else {}
    row: Any = rows.get(session, kind.table, identifier)
    if row is not None and row.account == call.account:
        for key, text in session.execute(_TAGS, {"resource_id": identifier}):
            keys[f"aws:ResourceTag/{key}"] = text
            keys[f"ec2:ResourceTag/{key}"] = text
        if getattr(row, "vpc_id", None):
            keys["ec2:Vpc"] = ec2_arn(call.region, call.account, VPC.word, row.vpc_id)
        if getattr(row, "subnet_id", None):
            keys["ec2:Subnet"] = ec2_arn(call.region, call.account, SUBNET.word, row.subnet_id)
        keys |= {key: str(value) for key, name in _ROW_KEYS.items() if (value := getattr(row, name, None))}
    return keys


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

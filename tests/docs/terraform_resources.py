"""The resources of the page, with the calls of Terraform's provider in its order, one class for each type."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.docs.terraform_provider import Provider, refused, until_gone
from tests.docs.terraform_world import Arguments, NotKnown, Resource, State
from tests.worlds.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_ec2.literals import VpcAttributeNameType
    from mypy_boto3_ec2.type_defs import FilterTypeDef, IpPermissionTypeDef

    Allowed = tuple[str, int, int, str, str, str]
    """A permission of a group: protocol, ports, kind of the other side, the other side, description."""


def tags_of(listed: Iterable[Any]) -> dict[str, str]:
    """Return tags as in the configuration, without those that AWS itself sets."""
    return {tag["Key"]: tag["Value"] for tag in listed if not tag["Key"].startswith("aws:")}


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    """Return tags in the form of the APIs."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tags to remove, and those that are new or have another value."""
    removed = {key: value for key, value in old.items() if key not in new}
    return removed, {key: value for key, value in new.items() if old.get(key) != value}


def same_policy(document: Any) -> Any:
    """Return a policy in a form in which policies with the same meaning are equal, as the provider compares them."""
    if isinstance(document, str) and document.startswith("{"):
        document = json.loads(document)
    if isinstance(document, dict):
        return {
            name: same_policy([value] if isinstance(value, str) and name not in ("Version", "Sid", "Effect") else value)
            for name, value in document.items()
        }
    if isinstance(document, list):
        return sorted((same_policy(each) for each in document), key=str)
    return document


class OfEc2(Resource):
    """An EC2 resource: tagged when it is created, and later by separate calls."""

    kind = ""

    def __init__(self, provider: Provider) -> None:
        """Take the provider's client."""
        self.ec2 = provider.ec2
        self.region = provider.region

    def tagged(self, wanted: Arguments) -> Any:
        """Return the argument with the tags of a new resource, if it has any."""
        tags = wanted.get("tags", {})
        return {"TagSpecifications": [{"ResourceType": self.kind, "Tags": tag_list(tags)}]} if tags else {}

    def retag(self, state: State, wanted: Arguments) -> None:
        """Remove the tags that are no longer wanted, then set those that are new or have another value."""
        removed, changed = tag_changes(state["tags"], wanted.get("tags", {}))
        if removed:
            self.ec2.delete_tags(Resources=[state["id"]], Tags=tag_list(removed))
        if changed:
            self.ec2.create_tags(Resources=[state["id"]], Tags=tag_list(changed))

    def update(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Change the other arguments, then the tags."""
        if changed - {"tags"}:
            self.modify(state, wanted, changed)
        if "tags" in changed:
            self.retag(state, wanted)

    def modify(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Change arguments that are not tags."""

    def no_interfaces_left(self, by: str, identity: str) -> None:
        """Look for interfaces that Lambda or Comprehend left, which the provider would delete. There are none here."""
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": by, "Values": [identity]}])
        assert found["NetworkInterfaces"] == []


class Vpc(OfEc2):
    """``aws_vpc``."""

    kind = "vpc"
    in_place = frozenset({"enable_dns_hostnames", "enable_dns_support", "tags"})
    attributes: Mapping[str, VpcAttributeNameType] = {
        "enable_dns_hostnames": "enableDnsHostnames",
        "enable_dns_support": "enableDnsSupport",
        "enable_network_address_usage_metrics": "enableNetworkAddressUsageMetrics",
    }

    def create(self, wanted: Arguments) -> str:
        """Create it, wait until it is available, then set the attributes that differ from the defaults."""
        made = self.ec2.create_vpc(
            AmazonProvidedIpv6CidrBlock=False,
            InstanceTenancy="default",
            CidrBlock=wanted.get("cidr_block"),
            **self.tagged(wanted),
        )["Vpc"]
        identity = made["VpcId"]
        eventually(lambda: self.ec2.describe_vpcs(VpcIds=[identity])["Vpcs"][0]["State"] == "available")
        for name, usual in (("enable_dns_hostnames", False), ("enable_dns_support", True)):
            if wanted.get(name, usual) != usual:
                self._set(identity, name, wanted.get(name))
        return identity

    def _set(self, identity: str, name: str, value: bool) -> None:
        member = self.attributes[name][0].upper() + self.attributes[name][1:]
        modify: Any = self.ec2.modify_vpc_attribute
        modify(VpcId=identity, **{member: {"Value": value}})
        eventually(lambda: self._attribute(identity, name) == value)

    def _attribute(self, identity: str, name: str) -> bool:
        answer: Any = self.ec2.describe_vpc_attribute(VpcId=identity, Attribute=self.attributes[name])
        found: bool = answer[self.attributes[name][0].upper() + self.attributes[name][1:]]["Value"]
        return found

    def read(self, identity: str, wanted: Arguments) -> State:
        """Read it, its three attributes, and what every VPC has from the start."""
        (found,) = self.ec2.describe_vpcs(VpcIds=[identity])["Vpcs"]
        state = {
            "id": identity,
            "arn": f"arn:aws:ec2:{self.region}:{found['OwnerId']}:vpc/{identity}",
            "cidr_block": found["CidrBlock"],
            "instance_tenancy": found["InstanceTenancy"],
            "tags": tags_of(found.get("Tags", [])),
            **{name: self._attribute(identity, name) for name in self.attributes},
        }
        of_it: FilterTypeDef = {"Name": "vpc-id", "Values": [identity]}
        lists: Any = self.ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}, of_it])
        (state["default_network_acl_id"],) = [each["NetworkAclId"] for each in lists["NetworkAcls"]]
        tables: Any = self.ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}, of_it])
        (state["main_route_table_id"],) = [each["RouteTableId"] for each in tables["RouteTables"]]
        groups: Any = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}, of_it])
        (state["default_security_group_id"],) = [each["GroupId"] for each in groups["SecurityGroups"]]
        return state

    def modify(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Set attributes."""
        for name in self.attributes:
            if name in changed:
                self._set(state["id"], name, wanted.get(name))

    def delete(self, state: State) -> None:
        """Delete it as soon as nothing depends on it any more."""
        codes = ("", "DependencyViolation")
        eventually(lambda: _one_of(refused(lambda: self.ec2.delete_vpc(VpcId=state["id"])), codes) == "")
        until_gone(lambda: self.ec2.describe_vpcs(VpcIds=[state["id"]]), "InvalidVpcID.NotFound")


def _one_of(code: str, codes: tuple[str, ...]) -> str:
    assert code in codes, f"{code} where the provider expects one of {codes}"
    return code


class Subnet(OfEc2):
    """``aws_subnet``."""

    kind = "subnet"
    in_place = frozenset({"tags"})

    def create(self, wanted: Arguments) -> str:
        """Create it and wait until it is available."""
        made = self.ec2.create_subnet(
            VpcId=wanted.get("vpc_id"), CidrBlock=wanted.get("cidr_block"), **self.tagged(wanted)
        )["Subnet"]
        identity = made["SubnetId"]
        eventually(lambda: self.ec2.describe_subnets(SubnetIds=[identity])["Subnets"][0]["State"] == "available")
        return identity

    def read(self, identity: str, wanted: Arguments) -> State:
        """Read it; values that the page does not set must be the provider's defaults."""
        (found,) = self.ec2.describe_subnets(SubnetIds=[identity])["Subnets"]
        for flag in ("AssignIpv6AddressOnCreation", "EnableDns64", "Ipv6Native", "MapPublicIpOnLaunch"):
            assert found.get(flag, False) is False, flag
        return {
            "id": identity,
            "arn": found["SubnetArn"],
            "availability_zone": found["AvailabilityZone"],
            "cidr_block": found["CidrBlock"],
            "vpc_id": found["VpcId"],
            "tags": tags_of(found.get("Tags", [])),
        }

    def delete(self, state: State) -> None:
        """Delete it, once it has no interface left."""
        self.no_interfaces_left("subnet-id", state["id"])
        assert refused(lambda: self.ec2.delete_subnet(SubnetId=state["id"])) == ""
        until_gone(lambda: self.ec2.describe_subnets(SubnetIds=[state["id"]]), "InvalidSubnetID.NotFound")


class VpcEndpoint(OfEc2):
    """``aws_vpc_endpoint``, a gateway endpoint."""

    kind = "vpc-endpoint"
    in_place = frozenset({"policy", "route_table_ids", "tags"})

    def create(self, wanted: Arguments) -> str:
        """Create it and wait until it is available."""
        policy = {"PolicyDocument": wanted.get("policy")} if wanted.get("policy") else {}
        made = self.ec2.create_vpc_endpoint(
            ClientToken=f"terraform-{uuid.uuid4()}",
            PrivateDnsEnabled=False,
            VpcEndpointType="Gateway",
            VpcId=wanted.get("vpc_id"),
            ServiceName=wanted.get("service_name"),
            RouteTableIds=wanted.get("route_table_ids", []),
            **policy,
            **self.tagged(wanted),
        )["VpcEndpoint"]
        identity = made["VpcEndpointId"]
        self._available(identity)
        return identity

    def _described(self, identity: str) -> Any:
        (found,) = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"]
        return found

    def _available(self, identity: str) -> None:
        eventually(lambda: self._described(identity)["State"].lower() == "available")

    def read(self, identity: str, wanted: Arguments) -> State:
        """Read it, and the prefix list with its service's name."""
        found = self._described(identity)
        named: FilterTypeDef = {"Name": "prefix-list-name", "Values": [found["ServiceName"]]}
        (prefixes,) = self.ec2.describe_prefix_lists(Filters=[named])["PrefixLists"]
        assert (found["VpcEndpointType"], found["PrivateDnsEnabled"]) == ("Gateway", False)
        assert [found.get(name) or [] for name in ("SubnetIds", "Groups", "NetworkInterfaceIds")] == [[], [], []]
        return {
            "id": identity,
            "arn": f"arn:aws:ec2:{self.region}:{found['OwnerId']}:vpc-endpoint/{identity}",
            "service_name": found["ServiceName"],
            "vpc_id": found["VpcId"],
            "route_table_ids": set(found["RouteTableIds"]),
            "policy": same_policy(found["PolicyDocument"]),
            "cidr_blocks": prefixes["Cidrs"],
            "prefix_list_id": prefixes["PrefixListId"],
            "tags": tags_of(found.get("Tags", [])),
        }

    def wanted_form(self, name: str, wanted: Arguments) -> Any:
        """Tables are a set, and policies are compared by their meaning."""
        value = wanted.get(name)
        if name == "route_table_ids":
            return set(value)
        return same_policy(value) if name == "policy" else value

    def modify(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Change its tables and its policy in one call, and wait until it is available."""
        input_: dict[str, Any] = {}
        if "route_table_ids" in changed:
            new, old = set(wanted.get("route_table_ids")), state["route_table_ids"]
            input_ |= {"AddRouteTableIds": sorted(new - old), "RemoveRouteTableIds": sorted(old - new)}
        if "policy" in changed:
            input_["PolicyDocument"] = wanted.get("policy")
        self.ec2.modify_vpc_endpoint(VpcEndpointId=state["id"], **input_)
        self._available(state["id"])

    def delete(self, state: State) -> None:
        """Delete it; the answer lists what it could not delete."""
        answer = self.ec2.delete_vpc_endpoints(VpcEndpointIds=[state["id"]])
        assert answer["Unsuccessful"] == []
        until_gone(lambda: self._read_deleted(state["id"]), "InvalidVpcEndpointId.NotFound")

    def _read_deleted(self, identity: str) -> None:
        assert self._described(identity)["State"].lower() in ("deleting", "deleted")


class SecurityGroup(OfEc2):
    """``aws_security_group``, with its rules in blocks."""

    kind = "security-group"
    in_place = frozenset({"egress", "ingress", "tags"})
    others = (
        ("cidr_blocks", "IpRanges", "CidrIp"),
        ("ipv6_cidr_blocks", "Ipv6Ranges", "CidrIpv6"),
        ("prefix_list_ids", "PrefixListIds", "PrefixListId"),
        ("security_groups", "UserIdGroupPairs", "GroupId"),
    )
    """The arguments of a rule that name the other side, and their names in the API."""

    def create(self, wanted: Arguments) -> str:
        """Create it, remove the default rules of a new group, and allow what the blocks say."""
        made = self.ec2.create_security_group(
            GroupName=wanted.get("name"),
            Description=wanted.get("description", "Managed by Terraform"),
            VpcId=wanted.get("vpc_id"),
            **self.tagged(wanted),
        )
        identity = made["GroupId"]
        self._described(identity)
        revoke = partial(self.ec2.revoke_security_group_egress, GroupId=identity)
        everything: Any = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0}
        revoke(IpPermissions=[everything | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        # A VPC without IPv6 has no second one: the provider continues after this code.
        sixth = everything | {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
        _one_of(refused(lambda: revoke(IpPermissions=[sixth])), ("", "InvalidPermission.NotFound"))
        self._described(identity)
        for direction in ("ingress", "egress"):
            self._allow(identity, direction, set(), self.wanted_form(direction, wanted))
        return identity

    def _described(self, identity: str) -> Any:
        (found,) = self.ec2.describe_security_groups(GroupIds=[identity])["SecurityGroups"]
        return found

    def wanted_form(self, name: str, wanted: Arguments) -> Any:
        """Rules are the set of everything they allow, however it is divided among blocks."""
        if name not in ("ingress", "egress"):
            return wanted.get(name)
        return {allowed for block in wanted.blocks(name) for allowed in self._of_block(block)}

    def _of_block(self, block: Arguments) -> Iterable[Allowed]:
        begin = (str(block.get("protocol")), block.get("from_port"), block.get("to_port"))
        if begin[0] not in ("-1", "tcp", "udp", "icmp"):
            raise NotKnown(f"protocol {begin[0]}")
        description = block.get("description", "")
        if block.get("self", False):
            yield (*begin, "self", "", description)
        for argument, _, _ in self.others:
            for other in block.get(argument, []):
                yield (*begin, argument, other, description)

    def _of_permission(self, identity: str, permission: Any) -> Iterable[Allowed]:
        begin = (permission["IpProtocol"], permission.get("FromPort", 0), permission.get("ToPort", 0))
        for argument, listed, member in self.others:
            for entry in permission.get(listed, []):
                itself = argument == "security_groups" and entry[member] == identity
                side = ("self", "") if itself else (argument, entry[member])
                yield (*begin, *side, entry.get("Description", ""))

    def _permissions(self, identity: str, allowed: Iterable[Allowed]) -> list[IpPermissionTypeDef]:
        """Return one permission for each combination of protocol, ports and description, as the provider sends them."""
        found: dict[tuple[object, ...], Any] = {}
        members = {argument: (listed, member) for argument, listed, member in self.others}
        for protocol, first, last, argument, other, description in sorted(allowed):
            ports = {} if protocol == "-1" else {"FromPort": first, "ToPort": last}
            permission = found.setdefault(
                (protocol, first, last, description),
                {"IpProtocol": protocol, **ports},
            )
            listed, member = members["security_groups" if argument == "self" else argument]
            entry = {member: identity if argument == "self" else other}
            permission.setdefault(listed, []).append(entry | ({"Description": description} if description else {}))
        return list(found.values())

    def _allow(self, identity: str, direction: str, old: set[Allowed], new: set[Allowed]) -> None:
        revoke, authorize = (
            (self.ec2.revoke_security_group_ingress, self.ec2.authorize_security_group_ingress)
            if direction == "ingress"
            else (self.ec2.revoke_security_group_egress, self.ec2.authorize_security_group_egress)
        )
        if old - new:
            revoke(GroupId=identity, IpPermissions=self._permissions(identity, old - new))
        if new - old:
            authorize(GroupId=identity, IpPermissions=self._permissions(identity, new - old))

    def read(self, identity: str, wanted: Arguments) -> State:
        """Read it and its rules."""
        found = self._described(identity)
        rules = {"ingress": found["IpPermissions"], "egress": found["IpPermissionsEgress"]}
        return {
            "id": identity,
            "arn": f"arn:aws:ec2:{self.region}:{found['OwnerId']}:security-group/{identity}",
            "name": found["GroupName"],
            "description": found["Description"],
            "vpc_id": found["VpcId"],
            "tags": tags_of(found.get("Tags", [])),
            **{
                direction: {allowed for each in permissions for allowed in self._of_permission(identity, each)}
                for direction, permissions in rules.items()
            },
        }

    def modify(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Revoke what is no longer wanted, then allow what is new, one direction after the other."""
        self._described(state["id"])
        for direction in ("ingress", "egress"):
            if direction in changed:
                self._allow(state["id"], direction, state[direction], self.wanted_form(direction, wanted))

    def delete(self, state: State) -> None:
        """Delete it once no interface uses it; its own rules that refer to it do not prevent that."""
        self.no_interfaces_left("group-id", state["id"])
        assert refused(lambda: self.ec2.delete_security_group(GroupId=state["id"])) == ""
        until_gone(lambda: self._described(state["id"]), "InvalidGroup.NotFound")

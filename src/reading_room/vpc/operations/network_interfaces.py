"""Operations on network interfaces and the permissions to attach them."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.vpc import dhcp_options, idempotency, lookup, network_interfaces, tags
from reading_room.vpc.errors import (
    ExactlyOneOf,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    UnsupportedParameter,
)
from reading_room.vpc.identifiers import INTERFACE_PERMISSION, NETWORK_INTERFACE, SECURITY_GROUP, SUBNET
from reading_room.vpc.interface_errors import InterfaceManagedByService
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing, value
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import NetworkInterface, NetworkInterfacePermission, SecurityGroup, Subnet

INTERFACE_FILTERS = {
    "association.allocation-id": "Association.AllocationId",
    "association.association-id": "Association.AssociationId",
    "association.ip-owner-id": "Association.IpOwnerId",
    "association.public-ip": "Association.PublicIp",
    "association.public-dns-name": "Association.PublicDnsName",
    "addresses.association.owner-id": "PrivateIpAddresses.Association.IpOwnerId",
    "addresses.association.public-ip": "PrivateIpAddresses.Association.PublicIp",
    "addresses.primary": "PrivateIpAddresses.Primary",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    "attachment.attach-time": "Attachment.AttachTime",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
    "interface-type": "InterfaceType",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "operator.managed": "Operator.Managed",
    "operator.principal": "Operator.Principal",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "tag-key": "",
    "vpc-id": "VpcId",
}
PERMISSION_FILTERS = {
    "network-interface-permission.network-interface-permission-id": "NetworkInterfacePermissionId",
    "network-interface-permission.network-interface-id": "NetworkInterfaceId",
    "network-interface-permission.aws-account-id": "AwsAccountId",
    "network-interface-permission.aws-service": "AwsService",
    "network-interface-permission.permission": "Permission",
}
_ACCOUNT = re.compile(r"\d{12}")


class NetworkInterfaceOperations(Ec2Operations):
    """CreateNetworkInterface and what goes with it."""

    @ec2(
        "CreateNetworkInterface",
        "SubnetId Description PrivateIpAddress PrivateIpAddresses Groups InterfaceType ClientToken TagSpecifications",
        scope=about(created(NETWORK_INTERFACE), existing(SUBNET, "SubnetId"), existing(SECURITY_GROUP, "Groups")),
    )
    def create_network_interface(self, call: Call, request: Request) -> Response:
        """Make a network interface."""
        wanted = self.authorize_tags(call, request, NETWORK_INTERFACE)
        if request.get("InterfaceType", "interface") != "interface":
            raise UnsupportedParameter("CreateNetworkInterface", f"InterfaceType={request['InterfaceType']}")
        address = _wanted_address(request)
        token = {"ClientToken": request["ClientToken"]} if request.get("ClientToken") else {}
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, "CreateNetworkInterface", request)
            if earlier is not None:
                row = lookup.one(session, NETWORK_INTERFACE, call.account, earlier[0])
                return {"NetworkInterface": interface_views(session, call.region, [row])[0], **token}
            row = network_interfaces.create(
                session,
                call.account,
                lookup.one(session, SUBNET, call.account, request["SubnetId"]),
                request.get("Groups") or (),
                self.clock(),
                requester_id=call.principal.user_id,
                description=request.get("Description", ""),
                address=address,
                quotas=self.quotas,
            )
            tags.put(session, NETWORK_INTERFACE, call.account, row.interface_id, wanted)
            idempotency.remember(
                session, call.account, "CreateNetworkInterface", request, [row.interface_id], self.clock()
            )
            view = interface_views(session, call.region, [row])[0]
        return {"NetworkInterface": view | {"Status": "pending"}, **token}

    @ec2(
        "DescribeNetworkInterfaces",
        "NetworkInterfaceIds Filters MaxResults NextToken IncludeManagedResources",
    )
    def describe_network_interfaces(self, call: Call, request: Request) -> Response:
        """List network interfaces."""
        ids = request.get("NetworkInterfaceIds") or ()
        with self.database.reading() as session:
            rows = lookup.described(session, NETWORK_INTERFACE, call.account, ids)
            views = interface_views(session, call.region, rows)
        paging = Paging("DescribeNetworkInterfaces", "NetworkInterfaceId", ids="NetworkInterfaceIds")
        return shown(views, request, "NetworkInterfaces", INTERFACE_FILTERS, paging, tags="TagSet")

    @ec2(
        "DeleteNetworkInterface",
        "NetworkInterfaceId",
        scope=about(existing(NETWORK_INTERFACE, "NetworkInterfaceId")),
    )
    def delete_network_interface(self, call: Call, request: Request) -> None:
        """Delete a network interface."""
        with self.database.transaction() as session:
            network_interfaces.delete_interface(session, call.account, request["NetworkInterfaceId"], self.clock())

    @ec2(
        "ModifyNetworkInterfaceAttribute",
        "NetworkInterfaceId Description Groups SourceDestCheck Attachment",
        scope=about(existing(NETWORK_INTERFACE, "NetworkInterfaceId"), existing(SECURITY_GROUP, "Groups")),
    )
    def modify_network_interface_attribute(self, call: Call, request: Request) -> None:
        """Set one attribute of a network interface."""
        members = ("Description", "Groups", "SourceDestCheck", "Attachment")
        given = [member for member in members if member in request]
        if len(given) != 1:
            raise ExactlyOneOf(members)
        with self.database.transaction() as session:
            row: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, call.account, request["NetworkInterfaceId"])
            if given == ["Description"]:
                row.description = request["Description"].get("Value", "")
            elif given == ["Groups"]:
                network_interfaces.set_groups(session, row, request["Groups"], quotas=self.quotas)
            elif given == ["SourceDestCheck"]:
                # Containers never pass packets on, so the check cannot be off.
                if not request["SourceDestCheck"].get("Value", True):
                    raise UnsupportedParameter("ModifyNetworkInterfaceAttribute", "SourceDestCheck=false")
            else:
                raise InterfaceManagedByService

    @ec2(
        "CreateNetworkInterfacePermission",
        "NetworkInterfaceId AwsAccountId Permission",
        scope=about(
            existing(NETWORK_INTERFACE, "NetworkInterfaceId"),
            value("ec2:Permission", "Permission"),
            value("ec2:AuthorizedUser", "AwsAccountId", "arn:aws:iam::{}:root"),
        ),
    )
    def create_network_interface_permission(self, call: Call, request: Request) -> Response:
        """Let another account attach an interface."""
        account = request.get("AwsAccountId")
        if not account:
            raise MissingParameter("AwsAccountId")
        if not _ACCOUNT.fullmatch(account):
            raise InvalidParameterValue("awsAccountId", account, "This is not an account id.")
        if request["Permission"] != network_interfaces.INSTANCE_ATTACH:
            raise UnsupportedParameter("CreateNetworkInterfacePermission", f"Permission={request['Permission']}")
        with self.database.transaction() as session:
            row = network_interfaces.permit(
                session, call.account, request["NetworkInterfaceId"], account, request["Permission"]
            )
            return {"InterfacePermission": _permission_view(row)}

    @ec2(
        "DescribeNetworkInterfacePermissions",
        "NetworkInterfacePermissionIds Filters MaxResults NextToken",
    )
    def describe_network_interface_permissions(self, call: Call, request: Request) -> Response:
        """List the permissions given on interfaces."""
        ids = request.get("NetworkInterfacePermissionIds") or ()
        with self.database.reading() as session:
            rows = lookup.described(session, INTERFACE_PERMISSION, call.account, ids)
        paging = Paging(
            "DescribeNetworkInterfacePermissions",
            "NetworkInterfacePermissionId",
            most=255,
            ids="NetworkInterfacePermissionIds",
        )
        views = [_permission_view(row) for row in rows]
        return shown(views, request, "NetworkInterfacePermissions", PERMISSION_FILTERS, paging)

    @ec2(
        "DeleteNetworkInterfacePermission",
        "NetworkInterfacePermissionId Force",
        scope=about(existing(INTERFACE_PERMISSION, "NetworkInterfacePermissionId")),
    )
    def delete_network_interface_permission(self, call: Call, request: Request) -> Response:
        """Take a permission back; with Force the interface is detached as well."""
        with self.database.transaction() as session:
            network_interfaces.revoke_permission(
                session,
                call.account,
                request["NetworkInterfacePermissionId"],
                force=bool(request.get("Force", False)),
            )
        return {"Return": True}


def interface_views(session: Session, region: str, rows: list[NetworkInterface]) -> list[dict[str, Any]]:
    """Return network interfaces as EC2 shows them."""
    ids = [row.interface_id for row in rows]
    tagged = tags.of(session, ids)
    groups = network_interfaces.groups_of(session, ids)
    subnets = {
        subnet_id: found[0]
        for subnet_id, found in lookup.grouped(session, Subnet, "subnet_id", [row.subnet_id for row in rows]).items()
    }
    domain = dhcp_options.private_domain(region)
    return [
        _interface_view(row, subnets[row.subnet_id], groups[row.interface_id], domain)
        | {"TagSet": tagged[row.interface_id]}
        for row in rows
    ]


def _interface_view(row: NetworkInterface, subnet: Subnet, groups: list[SecurityGroup], domain: str) -> dict[str, Any]:
    name = f"ip-{row.address.replace('.', '-')}.{domain}"
    view: dict[str, Any] = {
        "NetworkInterfaceId": row.interface_id,
        "OwnerId": row.account,
        "VpcId": row.vpc_id,
        "SubnetId": row.subnet_id,
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": subnet.availability_zone_id,
        "Description": row.description,
        "Status": row.status,
        "InterfaceType": "interface",
        "MacAddress": row.mac,
        "PrivateIpAddress": row.address,
        "PrivateDnsName": name,
        "PrivateIpAddresses": [{"PrivateIpAddress": row.address, "PrivateDnsName": name, "Primary": True}],
        "Ipv6Addresses": [],
        "Groups": [{"GroupId": group.group_id, "GroupName": group.name} for group in groups],
        "RequesterId": row.requester_id,
        "RequesterManaged": row.requester_managed,
        "SourceDestCheck": row.source_dest_check,
        "Operator": {"Managed": False},
    }
    if row.attachment_id is not None:
        view["Attachment"] = {
            "AttachmentId": row.attachment_id,
            "AttachTime": row.attached_at,
            "DeleteOnTermination": row.delete_on_termination,
            "DeviceIndex": 1,
            "NetworkCardIndex": 0,
            "InstanceOwnerId": row.instance_owner,
            "Status": row.attachment_status,
        }
    return view


def _permission_view(row: NetworkInterfacePermission) -> dict[str, Any]:
    return {
        "NetworkInterfacePermissionId": row.permission_id,
        "NetworkInterfaceId": row.interface_id,
        "AwsAccountId": row.aws_account_id,
        "Permission": row.permission,
        "PermissionState": {"State": row.state},
    }


def _wanted_address(request: Request) -> str | None:
    listed = request.get("PrivateIpAddresses") or ()
    if listed and request.get("PrivateIpAddress"):
        raise InvalidParameterCombination(
            "The parameter privateIpAddresses cannot be used with the parameter privateIpAddress"
        )
    if len(listed) > 1:
        raise UnsupportedParameter("CreateNetworkInterface", "PrivateIpAddresses with more than one address")
    if listed:
        return str(listed[0].get("PrivateIpAddress"))
    address = request.get("PrivateIpAddress")
    return None if address is None else str(address)

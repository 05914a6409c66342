"""Operations on network interfaces and the permissions to attach them."""

from __future__ import annotations

import re
from typing import Any

from reading_room.aws.call import Call
from reading_room.vpc import idempotency, lookup, tags
from reading_room.vpc.errors import (
    ExactlyOneOf,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    UnsupportedParameter,
)
from reading_room.vpc.identifiers import INTERFACE_PERMISSION, NETWORK_INTERFACE, SECURITY_GROUP, SUBNET, check_id
from reading_room.vpc.interfaces import network_interfaces, secondary_addresses
from reading_room.vpc.interfaces.errors import InstanceNotFound, attachment_error
from reading_room.vpc.interfaces.views import interface_views, new_interface_view
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing, interface_of_permission, value
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import UNATTACHED, NetworkInterface, NetworkInterfacePermission

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
_INTERFACE = about(existing(NETWORK_INTERFACE, "NetworkInterfaceId"))
_SHOWN_ATTRIBUTES = ("description", "groupSet", "sourceDestCheck", "attachment", "associatePublicIpAddress")


class NetworkInterfaceOperations(Ec2Operations):
    """CreateNetworkInterface and related operations."""

    @ec2(
        "CreateNetworkInterface",
        "SubnetId Description PrivateIpAddress PrivateIpAddresses SecondaryPrivateIpAddressCount Groups InterfaceType "
        "ClientToken TagSpecifications",
        scope=about(
            created(NETWORK_INTERFACE, within=(SUBNET, "SubnetId")),
            existing(SUBNET, "SubnetId"),
            existing(SECURITY_GROUP, "Groups"),
        ),
    )
    def create_network_interface(self, call: Call, request: Request) -> Response:
        """Create a network interface."""
        wanted = self.authorize_tags(call, request, NETWORK_INTERFACE)
        if request.get("InterfaceType", "interface") != "interface":
            raise UnsupportedParameter("CreateNetworkInterface", f"InterfaceType={request['InterfaceType']}")
        address, secondary = _wanted_addresses(request)
        token = {"ClientToken": request["ClientToken"]} if request.get("ClientToken") else {}
        with self.database.transaction(remark=UNATTACHED) as session:
            earlier = idempotency.earlier(session, call.account, "CreateNetworkInterface", request)
            if earlier is not None:
                row = lookup.one(session, NETWORK_INTERFACE, call.account, earlier[0])
                return {"NetworkInterface": interface_views(session, call.region, [row])[0], **token}
            subnet = lookup.one(session, SUBNET, call.account, request["SubnetId"])
            row = network_interfaces.create(
                session,
                call.account,
                subnet,
                request.get("Groups") or (),
                self.clock(),
                requester_id=call.principal.user_id,
                description=request.get("Description", ""),
                address=address,
                quotas=self.quotas,
            )
            assigned = secondary_addresses.assign(
                session,
                row,
                self.clock(),
                wanted=secondary,
                count=request.get("SecondaryPrivateIpAddressCount") or 0,
                quotas=self.quotas,
            )
            tags.put(session, NETWORK_INTERFACE, call.account, row.interface_id, wanted)
            idempotency.remember(
                session, call.account, "CreateNetworkInterface", request, [row.interface_id], self.clock()
            )
            view = new_interface_view(session, call.region, row, subnet, assigned, wanted)
        return {"NetworkInterface": view, **token}

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
        with self.database.transaction(remark=UNATTACHED) as session:
            network_interfaces.delete_interface(session, call.account, request["NetworkInterfaceId"], self.clock())

    @ec2("DescribeNetworkInterfaceAttribute", "NetworkInterfaceId Attribute", scope=_INTERFACE)
    def describe_network_interface_attribute(self, call: Call, request: Request) -> Response:
        """Show one attribute of a network interface."""
        attribute = request.get("Attribute")
        if not attribute:
            raise MissingParameter("Attribute")
        if attribute not in _SHOWN_ATTRIBUTES:
            raise InvalidParameterValue("attribute", attribute, f"Expecting one of {', '.join(_SHOWN_ATTRIBUTES)}.")
        with self.database.reading() as session:
            row: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, call.account, request["NetworkInterfaceId"])
            view = interface_views(session, call.region, [row])[0]
        shown_attributes = {
            "description": {"Description": {"Value": view["Description"]}},
            "groupSet": {"Groups": view["Groups"]},
            "sourceDestCheck": {"SourceDestCheck": {"Value": view["SourceDestCheck"]}},
            "attachment": {"Attachment": view["Attachment"]} if "Attachment" in view else {},
            "associatePublicIpAddress": {"AssociatePublicIpAddress": False},
        }
        return {"NetworkInterfaceId": row.interface_id, **shown_attributes[attribute]}

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
            row = network_interfaces.own(session, call.account, request["NetworkInterfaceId"])
            if given == ["Description"]:
                row.description = request["Description"].get("Value", "")
            elif given == ["Groups"]:
                network_interfaces.set_groups(session, row, request["Groups"], quotas=self.quotas)
            elif given == ["SourceDestCheck"]:
                row.source_dest_check = bool(request["SourceDestCheck"].get("Value", True))
            else:
                raise attachment_error(str(request["Attachment"].get("AttachmentId")))

    @ec2("ResetNetworkInterfaceAttribute", "NetworkInterfaceId SourceDestCheck", scope=_INTERFACE)
    def reset_network_interface_attribute(self, call: Call, request: Request) -> None:
        """Turn an interface's source/destination check on."""
        if "SourceDestCheck" not in request:
            raise MissingParameter("SourceDestCheck")
        with self.database.transaction() as session:
            network_interfaces.own(session, call.account, request["NetworkInterfaceId"]).source_dest_check = True

    @ec2(
        "AssignPrivateIpAddresses",
        "NetworkInterfaceId PrivateIpAddresses SecondaryPrivateIpAddressCount AllowReassignment",
        scope=_INTERFACE,
    )
    def assign_private_ip_addresses(self, call: Call, request: Request) -> Response:
        """Assign secondary addresses to an interface."""
        wanted, count = request.get("PrivateIpAddresses") or (), request.get("SecondaryPrivateIpAddressCount") or 0
        if bool(wanted) == bool(count):
            raise ExactlyOneOf(("PrivateIpAddresses", "SecondaryPrivateIpAddressCount"))
        if count < 0:
            raise InvalidParameterValue("secondaryPrivateIpAddressCount", count, "Expecting at least 1.")
        with self.database.transaction() as session:
            row = network_interfaces.own(session, call.account, request["NetworkInterfaceId"])
            assigned = secondary_addresses.assign(
                session,
                row,
                self.clock(),
                wanted=wanted,
                count=count,
                reassign=bool(request.get("AllowReassignment", False)),
                quotas=self.quotas,
            )
            return {
                "NetworkInterfaceId": row.interface_id,
                "AssignedPrivateIpAddresses": [{"PrivateIpAddress": address} for address in assigned],
            }

    @ec2("UnassignPrivateIpAddresses", "NetworkInterfaceId PrivateIpAddresses", scope=_INTERFACE)
    def unassign_private_ip_addresses(self, call: Call, request: Request) -> None:
        """Unassign secondary addresses from an interface."""
        given_back = request.get("PrivateIpAddresses") or ()
        if not given_back:
            raise MissingParameter("PrivateIpAddresses")
        with self.database.transaction() as session:
            row = network_interfaces.own(session, call.account, request["NetworkInterfaceId"])
            secondary_addresses.unassign(session, row, given_back, self.clock())

    @ec2("AttachNetworkInterface", "NetworkInterfaceId InstanceId DeviceIndex NetworkCardIndex", scope=_INTERFACE)
    def attach_network_interface(self, call: Call, request: Request) -> Response:
        """Fail to attach an interface to an instance: there are no instances here."""
        with self.database.reading() as session:
            network_interfaces.own(session, call.account, request["NetworkInterfaceId"])
        check_id("InvalidInstanceID.Malformed", "i", request["InstanceId"])
        raise InstanceNotFound(request["InstanceId"])

    @ec2("DetachNetworkInterface", "AttachmentId Force")
    def detach_network_interface(self, call: Call, request: Request) -> None:
        """Fail to detach an interface: only the service attaches interfaces."""
        raise attachment_error(request["AttachmentId"])

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
        """List the permissions on interfaces."""
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
        scope=about(interface_of_permission),
    )
    def delete_network_interface_permission(self, call: Call, request: Request) -> Response:
        """Revoke a permission; with Force, also detach the interface."""
        with self.database.transaction() as session:
            network_interfaces.revoke_permission(
                session,
                call.account,
                request["NetworkInterfacePermissionId"],
                force=bool(request.get("Force", False)),
            )
        return {"Return": True}


def _permission_view(row: NetworkInterfacePermission) -> dict[str, Any]:
    return {
        "NetworkInterfacePermissionId": row.permission_id,
        "NetworkInterfaceId": row.interface_id,
        "AwsAccountId": row.aws_account_id,
        "Permission": row.permission,
        "PermissionState": {"State": row.state},
    }


def _wanted_addresses(request: Request) -> tuple[str | None, list[str]]:
    """Return the primary address of a CreateNetworkInterface request, if any, and the secondary ones that it lists."""
    listed = request.get("PrivateIpAddresses") or ()
    count = request.get("SecondaryPrivateIpAddressCount") or 0
    if count < 0:
        raise InvalidParameterValue("secondaryPrivateIpAddressCount", count, "Expecting at least 0.")
    primary = [str(entry.get("PrivateIpAddress")) for entry in listed if entry.get("Primary")]
    secondary = [str(entry.get("PrivateIpAddress")) for entry in listed if not entry.get("Primary")]
    if request.get("PrivateIpAddress"):
        primary.append(str(request["PrivateIpAddress"]))
    if len(primary) > 1:
        raise InvalidParameterCombination("Only one primary private IP address can be specified")
    if secondary and count:
        raise InvalidParameterCombination(
            "The parameter secondaryPrivateIpAddressCount cannot be used with secondary privateIpAddresses"
        )
    if secondary and not primary:
        if len(secondary) > 1:
            raise InvalidParameterCombination("One of the privateIpAddresses must be the primary one")
        # EC2 treats a single listed address as the primary one.
        primary, secondary = secondary, []
    return primary[0] if primary else None, secondary

"""Network interfaces: from an address in a subnet to the wire of a job's container, and back.

An interface is *attached* while a container has it; only then has it a host and, in the network, a wire. Who attaches
needs the owner's leave: an ``INSTANCE-ATTACH`` permission for ``SERVICE_ACCOUNT`` (the service's own network, which
nobody else sees, needs none).
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import addresses
from reading_room.vpc.errors import AuthFailure, LimitExceeded
from reading_room.vpc.groups import security_groups
from reading_room.vpc.identifiers import INTERFACE_PERMISSION, NETWORK_INTERFACE, SECURITY_GROUP
from reading_room.vpc.interfaces import secondary_addresses
from reading_room.vpc.interfaces.errors import (
    DifferentNetworks,
    InterfaceManagedByService,
    NetworkInterfaceInUse,
    PermissionExists,
)
from reading_room.vpc.interfaces.job_network import choose_subnet as choose_subnet
from reading_room.vpc.interfaces.job_network import validate_job_network as validate_job_network
from reading_room.vpc.not_found import NetworkInterfaceNotFound
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import (
    NetworkInterface,
    NetworkInterfaceGroup,
    NetworkInterfacePermission,
    SecondaryAddress,
    SecurityGroup,
    Subnet,
    Vpc,
)

SERVICE_ACCOUNT = "000000000000"
"""The account of the service that runs containers, to which owners give ``INSTANCE-ATTACH``."""
INSTANCE_ATTACH = "INSTANCE-ATTACH"
AWS_MACHINERY = "amazon-aws"
"""Who has the interfaces of endpoints and NAT gateways, as EC2 names it."""


def create(
    session: Session,
    account: str,
    subnet: Subnet,
    group_ids: Sequence[str],
    now: dt.datetime,
    *,
    requester_id: str,
    description: str = "",
    address: str | None = None,
    quotas: Quotas = Quotas(),
) -> NetworkInterface:
    """Make an interface with one address, chosen or the next free one; without groups it gets the VPC's default one.

    Raises what ``addresses.allocate`` and ``set_groups`` raise, and ``LimitExceeded``.
    """
    groups = _groups(session, account, subnet.vpc_id, subnet.subnet_id, group_ids, quotas)
    interface = _insert(session, account, subnet, now, requester_id, description, address, quotas)
    _carry(session, interface, groups)
    return interface


def create_managed(
    session: Session,
    account: str,
    subnet: Subnet,
    group_ids: Sequence[str],
    now: dt.datetime,
    *,
    requester_id: str,
    interface_type: str,
    description: str = "",
    address: str | None = None,
    vpc_endpoint_id: str | None = None,
    nat_gateway_id: str | None = None,
    quotas: Quotas = Quotas(),
) -> NetworkInterface:
    """Make the interface of an interface endpoint or a NAT gateway, attached to AWS's own machinery from the start.

    It has exactly the given groups, which may be none, and no customer can change, detach or delete it: ``remove``
    does. Raises as ``create`` does.
    """
    groups = _groups(session, account, subnet.vpc_id, subnet.subnet_id, group_ids, quotas) if group_ids else []
    interface = _insert(session, account, subnet, now, requester_id, description, address, quotas)
    interface.interface_type = interface_type
    interface.requester_managed = True
    interface.vpc_endpoint_id = vpc_endpoint_id
    interface.nat_gateway_id = nat_gateway_id
    # A NAT gateway takes what is for others; that is how EC2 shows it.
    interface.source_dest_check = nat_gateway_id is None
    interface.attachment_id = resource_id("ela-attach")
    interface.attachment_status = "attached"
    interface.instance_owner = AWS_MACHINERY
    interface.attached_at = now
    interface.status = "in-use"
    _carry(session, interface, groups)
    return interface


def own(session: Session, account: str, interface_id: str) -> NetworkInterface:
    """Return an interface that its account may change. Raises ``AuthFailure`` for one that AWS manages."""
    interface: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, account, interface_id)
    if interface.requester_managed:
        raise AuthFailure
    return interface


def delete_interface(session: Session, account: str, interface_id: str, now: dt.datetime) -> None:
    """Delete an interface with its permissions; its address begins to rest. Raises ``NetworkInterfaceInUse``."""
    interface: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, account, interface_id)
    if interface.attachment_id is not None:
        raise NetworkInterfaceInUse(interface_id)
    remove(session, interface, now)


def remove(session: Session, interface: NetworkInterface, now: dt.datetime) -> None:
    """Delete an interface with all that hangs on it, attached or not; its addresses begin to rest.

    Elastic IP addresses that are associated with it are then associated with nothing.
    """
    interface_id = interface.interface_id
    addresses.begin_rest(session, interface, now)
    secondary_addresses.disassociate_public(session, interface_id, interface.address)
    secondary_addresses.remove_all(session, interface, now)
    session.execute(delete(NetworkInterfaceGroup).where(NetworkInterfaceGroup.interface_id == interface_id))
    session.execute(delete(NetworkInterfacePermission).where(NetworkInterfacePermission.interface_id == interface_id))
    tags.forget(session, interface_id)
    session.delete(interface)
    session.flush()


def set_groups(
    session: Session, interface: NetworkInterface, group_ids: Sequence[str], *, quotas: Quotas = Quotas()
) -> None:
    """Give an interface other groups, in this order; they hold for its next packet.

    Raises ``SecurityGroupNotFound``, ``DifferentNetworks`` or ``LimitExceeded``.
    """
    groups = _groups(session, interface.account, interface.vpc_id, interface.subnet_id, group_ids, quotas)
    session.execute(delete(NetworkInterfaceGroup).where(NetworkInterfaceGroup.interface_id == interface.interface_id))
    _carry(session, interface, groups)


def attach(
    session: Session,
    eni_id: str,
    host: str,
    container_id: str,
    instance_owner: str = "comprehend",
    *,
    job_arn: str | None = None,
    now: dt.datetime | None = None,
) -> NetworkInterface:
    """Give an interface to a container on a host.

    Attaching it again to the same container changes nothing. Raises ``NetworkInterfaceNotFound``,
    ``NetworkInterfaceInUse`` while another container has it, and ``AuthFailure`` without the owner's permission.
    """
    interface = _interface(session, eni_id)
    if interface.attachment_id is not None:
        if (interface.host, interface.container_id) == (host, container_id):
            return interface
        raise NetworkInterfaceInUse(eni_id)
    if not session.get_one(Vpc, interface.vpc_id).internal and not _may_attach(session, eni_id):
        raise AuthFailure
    interface.host = host
    interface.container_id = container_id
    interface.job_arn = job_arn
    interface.attachment_id = resource_id("ela-attach")
    interface.attachment_status = "attached"
    interface.instance_owner = instance_owner
    interface.attached_at = now or system_clock()
    interface.status = "in-use"
    session.flush()
    return interface


def detach(session: Session, eni_id: str) -> None:
    """Take an interface from its container: it keeps its address and loses its wire.

    An interface that is not attached, or gone, stays as it is, so that a job's end can be repeated.
    """
    interface = session.get(NetworkInterface, eni_id)
    if interface is None or interface.attachment_id is None:
        return
    interface.host = None
    interface.container_id = None
    interface.attachment_id = None
    interface.attachment_status = None
    interface.instance_owner = None
    interface.attached_at = None
    interface.status = "available"
    session.flush()


def mark_released(session: Session, vpc_id: str, address: str) -> None:
    """Say that no kernel remembers a flow of a deleted interface's address, which ends the address's rest."""
    addresses.end_rest(session, vpc_id, address)


def by_address(session: Session, vpc_id: str, address: str) -> NetworkInterface | None:
    """Return the interface that has an address of a VPC, primary or secondary, if any."""
    secondary = session.get(SecondaryAddress, (vpc_id, address))
    if secondary is not None:
        return session.get(NetworkInterface, secondary.interface_id)
    return session.scalar(
        select(NetworkInterface).where(NetworkInterface.vpc_id == vpc_id, NetworkInterface.address == address)
    )


def groups_of(session: Session, interface_ids: Sequence[str]) -> dict[str, list[SecurityGroup]]:
    """Return the groups of several interfaces, each list in the order in which they were given."""
    links = lookup.grouped(session, NetworkInterfaceGroup, "interface_id", interface_ids, "position")
    ids = {link.group_id for carried in links.values() for link in carried}
    by_id = {
        group_id: rows[0] for group_id, rows in lookup.grouped(session, SecurityGroup, "group_id", list(ids)).items()
    }
    return {interface_id: [by_id[link.group_id] for link in carried] for interface_id, carried in links.items()}


def permit(
    session: Session, account: str, interface_id: str, to_account: str, permission: str
) -> NetworkInterfacePermission:
    """Give another account a permission on an interface. Raises ``PermissionExists`` or ``AuthFailure``."""
    own(session, account, interface_id)
    same = select(NetworkInterfacePermission).where(
        NetworkInterfacePermission.interface_id == interface_id,
        NetworkInterfacePermission.aws_account_id == to_account,
        NetworkInterfacePermission.permission == permission,
    )
    if session.scalar(same) is not None:
        raise PermissionExists(interface_id, to_account)
    row = NetworkInterfacePermission(
        permission_id=resource_id("eni-perm"),
        account=account,
        interface_id=interface_id,
        aws_account_id=to_account,
        permission=permission,
    )
    session.add(row)
    session.flush()
    return row


def revoke_permission(session: Session, account: str, permission_id: str, *, force: bool) -> None:
    """Take a permission back. While the interface is attached that needs ``force``, and detaches it.

    Raises ``PermissionNotFound`` or ``InterfaceManagedByService``.
    """
    row: NetworkInterfacePermission = lookup.one(session, INTERFACE_PERMISSION, account, permission_id)
    interface = session.get_one(NetworkInterface, row.interface_id)
    if row.permission == INSTANCE_ATTACH and interface.attachment_id is not None:
        if not force:
            raise InterfaceManagedByService
        detach(session, row.interface_id)
    tags.forget(session, permission_id)
    session.delete(row)
    session.flush()


def _insert(
    session: Session,
    account: str,
    subnet: Subnet,
    now: dt.datetime,
    requester_id: str,
    description: str,
    address: str | None,
    quotas: Quotas,
) -> NetworkInterface:
    used = session.scalar(select(func.count()).select_from(NetworkInterface).where(NetworkInterface.account == account))
    require_room(used, quotas.interfaces, "NetworkInterfaceLimitExceeded", "network interfaces")
    interface = NetworkInterface(
        interface_id=resource_id("eni"),
        account=account,
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.subnet_id,
        address=addresses.allocate(session, subnet, now, address),
        mac=_new_mac(session),
        description=description,
        requester_id=requester_id,
        created_at=now,
    )
    session.add(interface)
    session.flush()
    return interface


def _interface(session: Session, interface_id: str) -> NetworkInterface:
    interface = session.get(NetworkInterface, interface_id)
    if interface is None:
        raise NetworkInterfaceNotFound(interface_id)
    return interface


def _may_attach(session: Session, interface_id: str) -> bool:
    statement = select(NetworkInterfacePermission.permission_id).where(
        NetworkInterfacePermission.interface_id == interface_id,
        NetworkInterfacePermission.aws_account_id == SERVICE_ACCOUNT,
        NetworkInterfacePermission.permission == INSTANCE_ATTACH,
    )
    return session.scalar(statement) is not None


def _groups(
    session: Session, account: str, vpc_id: str, subnet_id: str, group_ids: Sequence[str], quotas: Quotas
) -> list[str]:
    wanted = list(dict.fromkeys(group_ids))
    if not wanted:
        return [security_groups.default_of(session, vpc_id).group_id]
    if len(wanted) > quotas.groups_per_interface:
        raise LimitExceeded(
            "SecurityGroupsPerInterfaceLimitExceeded",
            "security groups per interface",
            quotas.groups_per_interface,
        )
    for group in lookup.some(session, SECURITY_GROUP, account, wanted):
        if group.vpc_id != vpc_id:
            raise DifferentNetworks(group.group_id, subnet_id)
    return wanted


def _carry(session: Session, interface: NetworkInterface, group_ids: Sequence[str]) -> None:
    session.add_all(
        NetworkInterfaceGroup(interface_id=interface.interface_id, group_id=group_id, position=position)
        for position, group_id in enumerate(group_ids)
    )
    session.flush()


def _new_mac(session: Session) -> str:
    while True:
        # The first byte marks a locally administered unicast address.
        mac = ":".join(f"{byte:02x}" for byte in b"\x02" + secrets.token_bytes(5))
        if session.scalar(select(NetworkInterface.interface_id).where(NetworkInterface.mac == mac)) is None:
            return mac

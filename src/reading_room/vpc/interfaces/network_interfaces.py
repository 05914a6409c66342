"""Network interfaces: an address in a subnet, which can be attached to a job's container.

An interface is *attached* while a container uses it; only then does it have a host and a link in the network. The
service may attach it only with the owner's ``INSTANCE-ATTACH`` permission for ``SERVICE_ACCOUNT``. Interfaces of the
service's own network, which nobody else sees, need none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.database import rows
from reading_room.ids import id_bytes, resource_id
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
"""EC2's name for the owner of what the interfaces of endpoints and NAT gateways are attached to."""
_COUNT = (
    select(func.count())
    .select_from(rows.table(NetworkInterface))
    .where(NetworkInterface.account == bindparam("account"))
)
_WITH_MAC = select(rows.table(NetworkInterface).c.interface_id).where(NetworkInterface.mac == bindparam("mac"))
_INSERT_GROUP = insert(rows.table(NetworkInterfaceGroup))
_DELETE_WITH = [
    delete(rows.table(table)).where(table.interface_id == bindparam("of_interface"))
    for table in (NetworkInterfaceGroup, NetworkInterfacePermission)
]
_GROUPS_OF = (
    select(SecurityGroup)
    .join(NetworkInterfaceGroup, NetworkInterfaceGroup.group_id == SecurityGroup.group_id)
    .where(NetworkInterfaceGroup.interface_id == bindparam("of_interface"))
    .order_by(NetworkInterfaceGroup.position)
)


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
    """Create an interface with one address, the given or the next free one, and the default group if none is given.

    Raises what ``addresses.allocate`` and ``set_groups`` raise, and ``LimitExceeded``.
    """
    groups = _groups(session, account, subnet.vpc_id, subnet.subnet_id, group_ids, quotas)
    interface = _insert(session, account, subnet, now, requester_id, description, address, quotas)
    _insert_groups(session, interface, groups)
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
    """Create the interface of an interface endpoint or a NAT gateway, attached from the start.

    It has exactly the given groups, or none. No customer can change, detach or delete it: ``remove`` deletes it. Raises
    as ``create`` does.
    """
    groups = _groups(session, account, subnet.vpc_id, subnet.subnet_id, group_ids, quotas) if group_ids else []
    interface = _insert(session, account, subnet, now, requester_id, description, address, quotas)
    interface.interface_type = interface_type
    interface.requester_managed = True
    interface.vpc_endpoint_id = vpc_endpoint_id
    interface.nat_gateway_id = nat_gateway_id
    # A NAT gateway accepts packets for other addresses, and EC2 shows its interface with the check off.
    interface.source_dest_check = nat_gateway_id is None
    interface.attachment_id = resource_id("ela-attach")
    interface.attachment_status = "attached"
    interface.instance_owner = AWS_MACHINERY
    interface.attached_at = now
    interface.status = "in-use"
    _insert_groups(session, interface, groups)
    return interface


def own(session: Session, account: str, interface_id: str) -> NetworkInterface:
    """Return an interface that its account may change. Raises ``AuthFailure`` for one that AWS manages."""
    interface: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, account, interface_id)
    if interface.requester_managed:
        raise AuthFailure
    return interface


def delete_interface(session: Session, account: str, interface_id: str, now: dt.datetime) -> None:
    """Delete an interface with its permissions; its address starts to rest. Raises ``NetworkInterfaceInUse``."""
    interface: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, account, interface_id)
    if interface.attachment_id is not None:
        raise NetworkInterfaceInUse(interface_id)
    remove(session, interface, now)


def remove(session: Session, interface: NetworkInterface, now: dt.datetime) -> None:
    """Delete an interface with everything that depends on it, attached or not; its addresses start to rest.

    Its Elastic IP addresses are disassociated.
    """
    interface_id = interface.interface_id
    addresses.begin_rest(session, interface, now)
    secondary_addresses.disassociate_public(session, interface_id, interface.address)
    secondary_addresses.remove_all(session, interface, now)
    for statement in _DELETE_WITH:
        session.execute(statement, {"of_interface": interface_id})
    tags.forget(session, interface_id)
    session.delete(interface)
    session.flush()


def set_groups(
    session: Session, interface: NetworkInterface, group_ids: Sequence[str], *, quotas: Quotas = Quotas()
) -> None:
    """Replace the groups of an interface, in this order; they apply from its next packet on.

    Raises ``SecurityGroupNotFound``, ``DifferentNetworks`` or ``LimitExceeded``.
    """
    groups = _groups(session, interface.account, interface.vpc_id, interface.subnet_id, group_ids, quotas)
    session.execute(delete(NetworkInterfaceGroup).where(NetworkInterfaceGroup.interface_id == interface.interface_id))
    _insert_groups(session, interface, groups)


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
    """Attach an interface to a container on a host.

    Attaching it to the same container again changes at most the host. Raises ``NetworkInterfaceNotFound``,
    ``NetworkInterfaceInUse`` while another container has it, and ``AuthFailure`` without the owner's permission.
    """
    interface = _interface(session, eni_id)
    if interface.attachment_id is not None:
        if interface.container_id == container_id:
            interface.host = host
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
    """Detach an interface from its container. It keeps its address.

    Do nothing if the interface is not attached or does not exist, so that ending a job can be repeated.
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
    """End the rest of a deleted interface's address, because no kernel has a flow of it any more."""
    addresses.end_rest(session, vpc_id, address)


def by_address(session: Session, vpc_id: str, address: str) -> NetworkInterface | None:
    """Return the interface with this primary or secondary address in a VPC, if any."""
    secondary = session.get(SecondaryAddress, (vpc_id, address))
    if secondary is not None:
        return session.get(NetworkInterface, secondary.interface_id)
    return session.scalar(
        select(NetworkInterface).where(NetworkInterface.vpc_id == vpc_id, NetworkInterface.address == address)
    )


def groups_of(session: Session, interface_ids: Sequence[str]) -> dict[str, list[SecurityGroup]]:
    """Return the groups of several interfaces by interface, each list in the order in which the groups were given."""
    links = lookup.grouped(session, NetworkInterfaceGroup, "interface_id", interface_ids, "position")
    ids = {link.group_id for carried in links.values() for link in carried}
    by_id = {
        group_id: rows[0] for group_id, rows in lookup.grouped(session, SecurityGroup, "group_id", list(ids)).items()
    }
    return {interface_id: [by_id[link.group_id] for link in carried] for interface_id, carried in links.items()}


def groups_of_one(session: Session, interface_id: str) -> list[SecurityGroup]:
    """Return the groups of an interface in the order in which they were given."""
    return list(session.scalars(_GROUPS_OF, {"of_interface": interface_id}))


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
    """Revoke a permission. While the interface is attached, this needs ``force`` and detaches it.

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
    used = session.scalar(_COUNT, {"account": account})
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


def _insert_groups(session: Session, interface: NetworkInterface, group_ids: Sequence[str]) -> None:
    session.flush()
    if group_ids:
        values = [
            {"interface_id": interface.interface_id, "group_id": group_id, "position": position}
            for position, group_id in enumerate(group_ids)
        ]
        session.execute(_INSERT_GROUP, values)


def _new_mac(session: Session) -> str:
    while True:
        # The first byte marks a locally administered unicast address.
        mac = ":".join(f"{byte:02x}" for byte in b"\x02" + id_bytes("mac", 5))
        if session.scalar(_WITH_MAC, {"mac": mac}) is None:
            return mac

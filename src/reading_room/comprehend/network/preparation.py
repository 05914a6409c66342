"""Preparing a job's network as Comprehend's guide describes: nine EC2 actions, called with the data access role.

The role's session is named ``Comprehend``, so that the interface's RequesterId ends in ``:Comprehend``. All nine
actions are authorized before an interface exists, so that a role that could create but not delete one fails early and
leaves nothing behind. A job of several containers has an interface for each.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.comprehend.network import cluster_reachability, storage_policy, storage_reachability
from reading_room.comprehend.network.actions import OWN_PATH, SERVICE_PRINCIPAL, refused_actions
from reading_room.comprehend.network.failures import (
    containers_cannot_connect,
    failure_of_call,
    failure_of_network,
    missing_permission,
    no_route,
    role_not_assumable,
)
from reading_room.comprehend.network.job_interfaces import (
    SESSION_NAME,
    as_attached,
    description,
    interfaces_of,
    interfaces_of_attempt,
    leftovers,
    made_for,
    other_interfaces,
    permissions_of,
)
from reading_room.database.engine import Database
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.service_sessions import assume_recorded
from reading_room.ids import request_id
from reading_room.jobs.credentials import model_session
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.ports import NetworkNeed, OneContainerOnly, PreparedInterface
from reading_room.jobs.tables import JobRow
from reading_room.vpc import network_spec
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.interfaces.job_network import JobNetworkError, free_by_zone, subnets_in
from reading_room.vpc.tables import NetworkInterface, Subnet, Vpc
from reading_room.vpc.vpcs import service_network

logger = logging.getLogger(__name__)

_SESSIONS_KEPT = 1000


class NetworkPreparation:
    """Creates and removes the interfaces of jobs; implements ``jobs.ports.JobNetwork``."""

    def __init__(
        self,
        *,
        database: Database,
        dispatcher: Dispatcher,
        authorizer: PolicyAuthorizer,
        clock: Clock,
        region: str,
        policies: storage_policy.StoragePolicies | None = None,
    ) -> None:
        """``policies`` are used to check access to S3; without them only the worker finds out."""
        self._policies = policies
        self._database = database
        self._dispatcher = dispatcher
        self._authorizer = authorizer
        self._clock = clock
        self._region = region
        self._sessions: dict[str, Principal] = {}
        self._lock = threading.Lock()

    def zones(self, session: Session, subnets: Sequence[str] | None) -> dict[str, int] | None:
        """Return how many addresses are free in each zone of a job's subnets, or ``None`` if any zone will do."""
        return None if subnets is None else free_by_zone(session, subnets)

    def prepare(self, need: NetworkNeed) -> PreparedInterface:
        """Create the interface of a container, or find the one that an interrupted turn created.

        Raises ``PreparationError`` with the failure code of the job. ``release`` then removes what was created, even if
        it was not recorded. Raises ``OneContainerOnly`` if the containers of the job cannot share results; the
        interface of the first container can then be used for the only one.
        """
        principal = self._assume(need)
        if need.subnets is None or need.security_groups is None:
            return self._in_service_network(principal, need)
        if need.zone is not None:
            self._remove_from_other_zones(need, need.zone)
        with self._database.reading() as session:
            made = made_for(session, need)
            subnet = _choose(session, need) if made is None else session.get_one(Subnet, made.subnet_id)
            dhcp_options = session.get_one(Vpc, subnet.vpc_id).dhcp_options_id
        self._decide_all(principal, need, subnet)
        if made is None:
            self._describe_resources(principal, need, subnet, dhcp_options)
            self._create(principal, need, subnet)
            with self._database.reading() as session:
                made = made_for(session, need)
        if made is None:
            raise PreparationError("INTERNAL_ERROR", "The network interface was deleted while it was being prepared.")
        self._permit(principal, need, made.interface_id)
        self._ec2(principal, need, "DescribeNetworkInterfaces", NetworkInterfaceIds=[made.interface_id])
        warnings = self._check_storage(principal, need, made)
        place = f"{made.subnet_id} at {made.address}"
        return PreparedInterface(made.interface_id, made.vpc_id, place, warnings)

    def check_cluster(self, needs: Sequence[NetworkNeed]) -> None:
        """Raise ``PreparationError``, CONTAINERS_CANNOT_CONNECT, unless the containers can reach each other.

        ``needs`` are those of an attempt, the first container's first. Each container has its interface, recorded or
        not.
        """
        if needs[0].subnets is None:
            return
        with self._database.reading() as session:
            made = {need.container_id: made_for(session, need) for need in needs}
            members = [row for row in made.values() if row is not None]
            spec = network_spec.read(session)
        if len(members) < len(needs):
            message = "A network interface was deleted while others were being prepared."
            raise PreparationError("INTERNAL_ERROR", message)
        spec = as_attached(spec, {row.interface_id: name for name, row in made.items() if row is not None})
        why = cluster_reachability.obstacle(spec, members, needs[0].security_groups or ())
        if why is not None:
            raise containers_cannot_connect(why)

    def explain_cluster(self, need: NetworkNeed) -> str | None:
        """Return why a container cannot reach the others of its attempt, or ``None`` if no reason is known."""
        if need.subnets is None:
            return None
        with self._database.reading() as session:
            members = interfaces_of_attempt(session, need)
            if need.interface_id not in {row.interface_id for row in members}:
                return None
            spec = network_spec.read(session)
        return cluster_reachability.obstacle(spec, members, need.security_groups or ())

    def attach(self, session: Session, need: NetworkNeed, interface_id: str) -> None:
        """Attach the interface to the container."""
        network_interfaces.attach(
            session,
            interface_id,
            need.host,
            need.container_id,
            job_arn=need.job_arn,
            now=self._clock(),
        )

    def detached(self, session: Session, needs: Sequence[NetworkNeed]) -> list[NetworkNeed]:
        """Return the containers without their interfaces: the owner of one may have revoked the permission."""
        if not needs:
            return []
        attached = select(NetworkInterface.interface_id, NetworkInterface.container_id)
        rows = session.execute(attached.where(NetworkInterface.container_id.is_not(None)))
        holders = {row.interface_id: row.container_id for row in rows}
        return [need for need in needs if holders.get(need.interface_id or "") != need.container_id]

    def detach(self, session: Session, interface_id: str) -> None:
        """Detach the interface from its container."""
        network_interfaces.detach(session, interface_id)

    def release(self, need: NetworkNeed) -> tuple[str, ...]:
        """Remove every interface of the container, as the role, or as the service if the role is denied.

        Nothing of a job must stay behind. What the role was denied is logged, and returned as messages to the owner.
        """
        with self._database.reading() as session:
            rows = interfaces_of(session, need)
            permissions = {row.interface_id: permissions_of(session, row.interface_id) for row in rows}
        lines: list[str] = []
        for row in rows:
            refusal = self._delete(need, row, permissions[row.interface_id])
            if refusal is not None:
                lines.append(f"{row.interface_id} was removed by the service instead of the role: {refusal}")
                logger.warning("job %s: %s", need.job_id, lines[-1])
                with self._database.transaction() as session:
                    self._remove(session, row.interface_id)
        with self._lock:
            self._sessions.pop(need.container_id, None)
        return tuple(lines)

    def remove_leftovers(self) -> None:
        """Remove interfaces that were created for jobs and belong to no container row."""
        with self._database.reading() as session:
            left = leftovers(session)
        for row in left:
            logger.warning("removing interface %s, which belongs to no container", row.interface_id)
            with self._database.transaction() as session:
                self._remove(session, row.interface_id)

    def explain(self, need: NetworkNeed) -> str | None:
        """Return why the interface cannot reach the storage, or ``None`` if no reason is known."""
        if need.interface_id is None:
            return None
        with self._database.reading() as session:
            row = session.get(NetworkInterface, need.interface_id)
            if row is None:
                return f"{need.interface_id} no longer exists"
            spec = network_spec.read(session)
            attached = as_attached(spec, {row.interface_id: need.container_id})
            why = storage_reachability.find(session, attached, row).obstacle
            if why is None:
                return storage_reachability.suspicion(session, row.vpc_id)
        return f"{row.subnet_id}: {why}"

    # The steps

    def _in_service_network(self, principal: Principal, need: NetworkNeed) -> PreparedInterface:
        cluster = need.job_id if need.containers > 1 else None
        with self._database.transaction() as session:
            rows = interfaces_of(session, need)
            row = (
                rows[0]
                if rows
                else service_network.create_interface(
                    session, need.host, need.container_id, need.job_arn, cluster=cluster, now=self._clock()
                )
            )
            job = session.get_one(JobRow, need.job_id)
        # The service's network translates no address: S3 sees the interface's own.
        self._check_parts(principal, need, job, NetworkPath(secure=True, source_ip=row.address))
        return PreparedInterface(row.interface_id, row.vpc_id, "the service's own network")

    def _assume(self, need: NetworkNeed) -> Principal:
        try:
            principal, _ = assume_recorded(
                self._dispatcher.trail,
                self._database,
                need.role_arn,
                SERVICE_PRINCIPAL,
                SESSION_NAME,
                self._clock,
                source_arn=need.job_arn,
                source_account=need.account,
                job_id=need.job_id,
                organization=self._authorizer.organization,
            )
        except RoleNotAssumable as error:
            raise role_not_assumable(str(error)) from error
        with self._lock:
            while len(self._sessions) >= _SESSIONS_KEPT:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[need.container_id] = principal
        return principal

    def _decide_all(self, principal: Principal, need: NetworkNeed, subnet: Subnet) -> None:
        """Authorize all nine actions as EC2 will, each on what is known of its resources so far."""
        creation = self._call(principal, need, "CreateNetworkInterface", **_creation(need, subnet))
        for decision in refused_actions(self._dispatcher.table, self._authorizer, creation, self._clock()):
            raise missing_permission(need.role_arn, decision.action, decision.message())

    def _describe_resources(self, principal: Principal, need: NetworkNeed, subnet: Subnet, dhcp_options: str) -> None:
        self._ec2(principal, need, "DescribeSubnets", SubnetIds=list(need.subnets or ()))
        self._ec2(principal, need, "DescribeSecurityGroups", GroupIds=list(need.security_groups or ()))
        self._ec2(principal, need, "DescribeVpcs", VpcIds=[subnet.vpc_id])
        # "default" is EC2's word for having no set.
        chosen = {} if dhcp_options == "default" else {"DhcpOptionsIds": [dhcp_options]}
        self._ec2(principal, need, "DescribeDhcpOptions", **chosen)

    def _create(self, principal: Principal, need: NetworkNeed, subnet: Subnet) -> None:
        self._ec2(principal, need, "CreateNetworkInterface", **_creation(need, subnet))

    def _permit(self, principal: Principal, need: NetworkNeed, interface_id: str) -> None:
        with self._database.reading() as session:
            given = permissions_of(session, interface_id)
        if not given:
            self._ec2(
                principal,
                need,
                "CreateNetworkInterfacePermission",
                NetworkInterfaceId=interface_id,
                AwsAccountId=network_interfaces.SERVICE_ACCOUNT,
                Permission=network_interfaces.INSTANCE_ATTACH,
            )

    def _check_storage(self, principal: Principal, need: NetworkNeed, made: NetworkInterface) -> tuple[str, ...]:
        """Check that the worker can reach S3 and that policies allow its requests; return warnings."""
        with self._database.reading() as session:
            spec = as_attached(network_spec.read(session), {made.interface_id: need.container_id})
            way = storage_reachability.find(session, spec, made)
            job = session.get_one(JobRow, need.job_id)
            endpoint = "" if way.verdict is None else way.verdict.delivered_to
            warnings = storage_policy.warnings(session, endpoint, need.account)
            service = model_session(session, job, made, self._clock())
        if way.obstacle is not None:
            raise no_route(made.subnet_id, way.obstacle)
        if self._policies is not None and way.verdict is not None:
            path = storage_policy.path_to_storage(way.verdict, made.vpc_id)
            storage_policy.check(self._policies, job, principal, service, path, self._clock())
            self._check_parts(principal, need, job, path)
        return warnings

    def _check_parts(self, principal: Principal, need: NetworkNeed, job: JobRow, path: NetworkPath) -> None:
        """Raise ``OneContainerOnly`` unless the containers of an attempt may share their results through S3."""
        if self._policies is None or need.containers == 1 or need.member >= need.containers:
            return
        why = storage_policy.refused_parts(self._policies, job, need.attempt, principal, path, self._clock())
        if why is not None:
            raise OneContainerOnly(why)

    def _delete(self, need: NetworkNeed, row: NetworkInterface, permissions: Sequence[str]) -> str | None:
        """Delete an interface as the role. Return why this was refused, or ``None``."""
        if need.subnets is None:
            with self._database.transaction() as session:
                self._remove(session, row.interface_id)
            return None
        try:
            with self._lock:
                principal = self._sessions.get(need.container_id)
            if principal is None:
                principal = self._assume(need)
            with self._database.transaction() as session:
                # A job that is ending does not need its interface, and EC2 deletes only detached ones.
                network_interfaces.detach(session, row.interface_id)
            for permission in permissions:
                self._ec2(
                    principal,
                    need,
                    "DeleteNetworkInterfacePermission",
                    NetworkInterfacePermissionId=permission,
                )
            self._ec2(principal, need, "DeleteNetworkInterface", NetworkInterfaceId=row.interface_id)
        except PreparationError as error:
            return error.text
        return None

    def _remove_from_other_zones(self, need: NetworkNeed, zone: str) -> None:
        """Remove an interface that an interrupted turn created for a host in another zone."""
        with self._database.reading() as session:
            made = made_for(session, need)
            if made is None or session.get_one(Subnet, made.subnet_id).availability_zone == zone:
                return
        with self._database.transaction() as session:
            self._remove(session, made.interface_id)

    def _remove(self, session: Session, interface_id: str) -> None:
        row = session.get(NetworkInterface, interface_id)
        if row is None:
            return
        if row.account == service_network.OWNER:
            service_network.delete_interface(session, interface_id, now=self._clock())
        else:
            network_interfaces.remove(session, row, self._clock())

    def _call(self, principal: Principal, need: NetworkNeed, operation: str, **parameters: Any) -> Call:
        return Call(
            service="ec2",
            operation=operation,
            parameters=parameters,
            principal=principal,
            account=need.account,
            region=self._region,
            path=OWN_PATH,
            request_id=request_id(),
            user_agent=SERVICE_PRINCIPAL,
            job_id=need.job_id,
        )

    def _ec2(self, principal: Principal, need: NetworkNeed, operation: str, **parameters: Any) -> Mapping[str, Any]:
        try:
            return self._dispatcher.act(self._call(principal, need, operation, **parameters))
        except AwsError as error:
            raise failure_of_call(need.role_arn, operation, error) from error


def _creation(need: NetworkNeed, subnet: Subnet) -> dict[str, Any]:
    """Return the parameters of the CreateNetworkInterface call for a job's interface."""
    return {
        "SubnetId": subnet.subnet_id,
        "Groups": list(need.security_groups or ()),
        "Description": description(need),
    }


def _choose(session: Session, need: NetworkNeed) -> Subnet:
    """Return the subnet for a new interface. Raises ``PreparationError`` for a VpcConfig that cannot be used."""
    subnets, groups = list(need.subnets or ()), list(need.security_groups or ())
    others = other_interfaces(session, need)
    # A container that replaces a lost one needs the addresses of one container, however many the job began with.
    added = need.member >= need.containers
    containers, made = (1, 0) if added else (need.containers, others.total())
    try:
        network_interfaces.validate_job_network(
            session, subnets, groups, account=need.account, containers=containers, made=made
        )
        if need.zone is not None:
            subnets, containers, made = subnets_in(session, subnets, need.zone), 1, 0
        return network_interfaces.choose_subnet(session, subnets, containers=containers, made=made, others=others)
    except JobNetworkError as error:
        raise failure_of_network(error) from error

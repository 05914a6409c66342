"""EC2's operations: one class per noun, all made at once by ``ec2_operations``."""

from __future__ import annotations

from reading_room.aws.operations import Authorizer
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.vpc.flow_logs import BucketCheck
from reading_room.vpc.operations.binding import Ec2Operations
from reading_room.vpc.operations.endpoints import EndpointOperations
from reading_room.vpc.operations.flow_logs import FlowLogOperations
from reading_room.vpc.operations.network_interfaces import NetworkInterfaceOperations
from reading_room.vpc.operations.route_tables import RouteTableOperations
from reading_room.vpc.operations.security_groups import SecurityGroupOperations
from reading_room.vpc.operations.subnets import SubnetOperations
from reading_room.vpc.operations.tags import TagOperations
from reading_room.vpc.operations.vpcs import VpcOperations
from reading_room.vpc.quotas import Quotas


def ec2_operations(
    database: Database,
    clock: Clock,
    authorizer: Authorizer,
    bucket_check: BucketCheck,
    quotas: Quotas = Quotas(),
) -> tuple[Ec2Operations, ...]:
    """Return every class of EC2 operations, ready for ``OperationTable(*…)``.

    ``bucket_check`` says whether flow logs can be written to a bucket; the object store's package implements it.
    """
    plain = (
        VpcOperations,
        SubnetOperations,
        SecurityGroupOperations,
        RouteTableOperations,
        EndpointOperations,
        NetworkInterfaceOperations,
        TagOperations,
    )
    return (
        *(kind(database, clock, authorizer, quotas) for kind in plain),
        FlowLogOperations(database, clock, authorizer, bucket_check, quotas),
    )

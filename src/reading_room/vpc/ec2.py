"""EC2's operations: one class per kind of resource, all created by ``ec2_operations``."""

from __future__ import annotations

from reading_room.aws.operations import Authorizer
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.vpc.addressing.operations.dhcp_options import DhcpOptionsOperations
from reading_room.vpc.addressing.operations.prefix_lists import PrefixListOperations
from reading_room.vpc.addressing.operations.subnets import SubnetOperations
from reading_room.vpc.endpoints.operations import EndpointOperations
from reading_room.vpc.flow_logs.flow_logs import BucketCheck
from reading_room.vpc.flow_logs.operations import FlowLogOperations
from reading_room.vpc.gateways.elastic_addresses import DEFAULT_POOL
from reading_room.vpc.gateways.operations.elastic_addresses import ElasticAddressOperations
from reading_room.vpc.gateways.operations.internet_gateways import InternetGatewayOperations
from reading_room.vpc.gateways.operations.nat_gateways import NatGatewayOperations
from reading_room.vpc.groups.operations import SecurityGroupOperations
from reading_room.vpc.interfaces.operations import NetworkInterfaceOperations
from reading_room.vpc.operations.account import AccountOperations
from reading_room.vpc.operations.binding import Ec2Operations
from reading_room.vpc.operations.tags import TagOperations
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.reachability.operations import NetworkInsightsOperations
from reading_room.vpc.routing.operations import RouteTableOperations
from reading_room.vpc.vpcs.operations import VpcOperations


def ec2_operations(
    *,
    database: Database,
    clock: Clock,
    authorizer: Authorizer,
    bucket_check: BucketCheck,
    quotas: Quotas = Quotas(),
    elastic_ip_pool: str = DEFAULT_POOL,
) -> tuple[Ec2Operations, ...]:
    """Return every class of EC2 operations, ready for ``OperationTable(*…)``.

    ``bucket_check`` checks whether flow logs can be written to a bucket; the object store's package implements it.
    ``elastic_ip_pool`` is the network that Elastic IP addresses come from.
    """
    plain = (
        VpcOperations,
        SubnetOperations,
        SecurityGroupOperations,
        RouteTableOperations,
        EndpointOperations,
        NetworkInterfaceOperations,
        InternetGatewayOperations,
        NatGatewayOperations,
        TagOperations,
        DhcpOptionsOperations,
        PrefixListOperations,
        AccountOperations,
        NetworkInsightsOperations,
    )
    return (
        *(kind(database, clock, authorizer, quotas) for kind in plain),
        ElasticAddressOperations(database, clock, authorizer, quotas, elastic_ip_pool),
        FlowLogOperations(database, clock, authorizer, bucket_check, quotas),
    )

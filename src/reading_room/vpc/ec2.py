"""EC2's operations: one class per noun, all made at once by ``ec2_operations``."""

from __future__ import annotations

from reading_room.aws.operations import Authorizer
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.vpc.elastic_addresses import DEFAULT_POOL
from reading_room.vpc.flow_logs import BucketCheck
from reading_room.vpc.operations.account import AccountOperations
from reading_room.vpc.operations.binding import Ec2Operations
from reading_room.vpc.operations.dhcp_options import DhcpOptionsOperations
from reading_room.vpc.operations.elastic_addresses import ElasticAddressOperations
from reading_room.vpc.operations.endpoints import EndpointOperations
from reading_room.vpc.operations.flow_logs import FlowLogOperations
from reading_room.vpc.operations.internet_gateways import InternetGatewayOperations
from reading_room.vpc.operations.nat_gateways import NatGatewayOperations
from reading_room.vpc.operations.network_insights import NetworkInsightsOperations
from reading_room.vpc.operations.network_interfaces import NetworkInterfaceOperations
from reading_room.vpc.operations.prefix_lists import PrefixListOperations
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
    elastic_ip_pool: str = DEFAULT_POOL,
) -> tuple[Ec2Operations, ...]:
    """Return every class of EC2 operations, ready for ``OperationTable(*…)``.

    ``bucket_check`` says whether flow logs can be written to a bucket; the object store's package implements it.
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

"""The schema of the EC2 control plane on one page.

Every row has the ``account`` that owns it. The service's own network belongs to ``service_network.OWNER``, so no
customer's Describe call finds it. Identifiers are EC2's (``vpc-…``). Networks and addresses are text in canonical form.
``NETWORK_TABLES`` are the tables whose rows define the network: a commit that writes one of them starts a new round of
the agents.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class DhcpOptions(Base):
    """A set of DHCP options; ``options`` maps each key to its list of values."""

    __tablename__ = "dhcp_options"

    dhcp_options_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    options: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    is_default: Mapped[bool] = mapped_column(default=False)


class Vpc(Base):
    """A VPC. ``vni`` (24 bits, at least 1) identifies it between hosts."""

    __tablename__ = "vpcs"

    vpc_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vni: Mapped[int] = mapped_column(unique=True)
    tenancy: Mapped[str] = mapped_column(default="default")
    is_default: Mapped[bool] = mapped_column(default=False)
    internal: Mapped[bool] = mapped_column(default=False)
    """True for the service's own network, which customers cannot see."""
    dhcp_options_id: Mapped[str] = mapped_column(default="default")
    """``dopt-…``, or ``default``, which in EC2 means no set."""
    enable_dns_support: Mapped[bool] = mapped_column(default=True)
    enable_dns_hostnames: Mapped[bool] = mapped_column(default=False)
    enable_network_address_usage_metrics: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class VpcCidr(Base):
    """An IPv4 block of a VPC; the block from CreateVpc is ``primary``."""

    __tablename__ = "vpc_cidrs"

    association_id: Mapped[str] = mapped_column(primary_key=True)
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), index=True)
    cidr: Mapped[str]
    primary: Mapped[bool] = mapped_column(default=True)


class Subnet(Base):
    """A subnet: a part of a VPC's block in one availability zone."""

    __tablename__ = "subnets"

    subnet_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), index=True)
    cidr: Mapped[str]
    availability_zone: Mapped[str]
    availability_zone_id: Mapped[str]
    default_for_az: Mapped[bool] = mapped_column(default=False)
    map_public_ip_on_launch: Mapped[bool] = mapped_column(default=False)
    hostname_type: Mapped[str] = mapped_column(default="ip-name")
    resource_name_dns_a_record: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class RouteTable(Base):
    """A route table; ``number`` is unique in its VPC for the table's life and at least 1."""

    __tablename__ = "route_tables"
    __table_args__ = (UniqueConstraint("vpc_id", "number"),)

    route_table_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), index=True)
    number: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Route(Base):
    """A route other than the local ones, which are derived from the VPC's blocks.

    ``destination`` is a network or a prefix list's id, ``target`` the id of the resource that gets the packets. The
    routes of a gateway endpoint are the only record of its route tables.
    """

    __tablename__ = "routes"

    route_table_id: Mapped[str] = mapped_column(ForeignKey("route_tables.route_table_id"), primary_key=True)
    destination: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(index=True)
    origin: Mapped[str] = mapped_column(default="CreateRoute")


class RouteTableAssociation(Base):
    """The route table of a subnet. The one row of a VPC whose ``subnet_id`` is ``None`` names its main table."""

    __tablename__ = "route_table_associations"

    association_id: Mapped[str] = mapped_column(primary_key=True)
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), index=True)
    route_table_id: Mapped[str] = mapped_column(ForeignKey("route_tables.route_table_id"), index=True)
    subnet_id: Mapped[str | None] = mapped_column(ForeignKey("subnets.subnet_id"), unique=True)


class SecurityGroup(Base):
    """A security group."""

    __tablename__ = "security_groups"
    __table_args__ = (UniqueConstraint("vpc_id", "name"),)

    group_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), index=True)
    name: Mapped[str]
    description: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SecurityGroupRule(Base):
    """One allow rule with one peer.

    ``protocol`` is as EC2 writes it: ``tcp``, ``udp``, ``icmp``, ``icmpv6``, a number, or ``-1``. The ports are
    ``None`` if the protocol has none; for ICMP they are type and code. Exactly one of the four peer columns is set.
    """

    __tablename__ = "security_group_rules"

    rule_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("security_groups.group_id"), index=True)
    is_egress: Mapped[bool]
    protocol: Mapped[str]
    from_port: Mapped[int | None]
    to_port: Mapped[int | None]
    cidr_ipv4: Mapped[str | None]
    cidr_ipv6: Mapped[str | None]
    prefix_list_id: Mapped[str | None]
    referenced_group_id: Mapped[str | None] = mapped_column(ForeignKey("security_groups.group_id"), index=True)
    description: Mapped[str | None]


class NetworkInterface(Base):
    """A network interface with its primary private address; secondary ones are ``SecondaryAddress`` rows.

    ``host`` and ``container_id`` are set while a job's container uses it, ``job_arn`` names that job. ``status`` and
    ``attachment_status`` use EC2's words.
    """

    __tablename__ = "network_interfaces"
    __table_args__ = (UniqueConstraint("vpc_id", "address"),)

    interface_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), index=True)
    subnet_id: Mapped[str] = mapped_column(ForeignKey("subnets.subnet_id"), index=True)
    address: Mapped[str]
    interface_type: Mapped[str] = mapped_column(default="interface")
    """``interface``, ``vpc_endpoint`` or ``nat_gateway``, as EC2 lists them."""
    vpc_endpoint_id: Mapped[str | None] = mapped_column(ForeignKey("vpc_endpoints.vpc_endpoint_id"), index=True)
    """The interface endpoint that it belongs to."""
    nat_gateway_id: Mapped[str | None] = mapped_column(ForeignKey("nat_gateways.nat_gateway_id"), index=True)
    """The NAT gateway that it belongs to."""
    mac: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="")
    requester_id: Mapped[str]
    requester_managed: Mapped[bool] = mapped_column(default=False)
    source_dest_check: Mapped[bool] = mapped_column(default=True)
    status: Mapped[str] = mapped_column(default="available")
    host: Mapped[str | None]
    container_id: Mapped[str | None]
    job_arn: Mapped[str | None]
    attachment_id: Mapped[str | None] = mapped_column(unique=True)
    attachment_status: Mapped[str | None]
    instance_owner: Mapped[str | None]
    delete_on_termination: Mapped[bool] = mapped_column(default=False)
    attached_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SecondaryAddress(Base):
    """A secondary private address of an interface. It is not the primary address of any interface of the VPC."""

    __tablename__ = "secondary_addresses"

    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    interface_id: Mapped[str] = mapped_column(ForeignKey("network_interfaces.interface_id"), index=True)
    subnet_id: Mapped[str] = mapped_column(ForeignKey("subnets.subnet_id"), index=True)


class InternetGateway(Base):
    """An internet gateway, attached to one VPC or to none."""

    __tablename__ = "internet_gateways"

    internet_gateway_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str | None] = mapped_column(ForeignKey("vpcs.vpc_id"), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ElasticAddress(Base):
    """An Elastic IP address, associated with one private address of an interface or with none."""

    __tablename__ = "elastic_addresses"

    allocation_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    public_ip: Mapped[str] = mapped_column(unique=True)
    association_id: Mapped[str | None] = mapped_column(unique=True)
    interface_id: Mapped[str | None] = mapped_column(ForeignKey("network_interfaces.interface_id"), index=True)
    private_address: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ElasticAddressRest(Base):
    """A public address that ``account`` released and that should not be allocated again at once."""

    __tablename__ = "elastic_address_rests"

    public_ip: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    released_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class NatGateway(Base):
    """A NAT gateway. The row of its interface names it; its Elastic IP addresses are associated with that interface.

    ``state`` is EC2's word (``pending``, ``failed``, ``available``, ``deleting``, ``deleted``). A gateway that failed
    or was deleted stays visible for an hour after ``ended_at``.
    """

    __tablename__ = "nat_gateways"

    nat_gateway_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str] = mapped_column(index=True)
    subnet_id: Mapped[str] = mapped_column(index=True)
    connectivity: Mapped[str] = mapped_column(default="public")
    state: Mapped[str]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    addresses: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """As EC2 shows them (``NatGatewayAddresses``), stored so that a deleted gateway still shows them."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class GatewayHost(Base):
    """The host that owns the way out of a VPC: its internet gateway, NAT gateways and Elastic IP addresses.

    There are rows only with several hosts. A VPC's row stays when it has no internet gateway for a while.
    """

    __tablename__ = "gateway_hosts"

    vpc_id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    fence: Mapped[int]
    """Raised with every change, so that a decision on an earlier state changes nothing."""
    previous: Mapped[str | None]
    """The host that may still act as the owner; the next one waits until it does not."""


class NetworkInterfaceGroup(Base):
    """A security group of an interface; ``position`` is its place in the order in which they were given."""

    __tablename__ = "network_interface_groups"

    interface_id: Mapped[str] = mapped_column(ForeignKey("network_interfaces.interface_id"), primary_key=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("security_groups.group_id"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)


class NetworkInterfacePermission(Base):
    """A permission for another account to attach an interface."""

    __tablename__ = "network_interface_permissions"

    permission_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    interface_id: Mapped[str] = mapped_column(ForeignKey("network_interfaces.interface_id"), index=True)
    aws_account_id: Mapped[str]
    permission: Mapped[str]
    state: Mapped[str] = mapped_column(default="granted")


class AddressRest(Base):
    """An address that an interface released and that should not be allocated again at once.

    While it is ``held``, it must not be: a host may still have it. Only with several hosts is any address held.
    """

    __tablename__ = "address_rests"

    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    subnet_id: Mapped[str] = mapped_column(ForeignKey("subnets.subnet_id"), index=True)
    released_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    held: Mapped[bool | None]


class VpcEndpoint(Base):
    """A VPC endpoint. ``number`` is unique in its VPC, 1 to 2000; ``policy`` is the JSON text that was sent.

    The subnets of an interface endpoint are those of the interfaces whose rows name it. Its groups are in
    ``VpcEndpointGroup``, since it may have no interface yet.
    """

    __tablename__ = "vpc_endpoints"
    __table_args__ = (UniqueConstraint("vpc_id", "number"),)

    vpc_endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpcs.vpc_id"), index=True)
    service_name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="Gateway")
    """``Gateway``, ``Interface``, or ``Public`` for the endpoint of the service's own network."""
    number: Mapped[int]
    policy: Mapped[str]
    private_dns_enabled: Mapped[bool] = mapped_column(default=False)
    private_dns_only_for_inbound_resolver: Mapped[bool] = mapped_column(default=False)
    dns_label: Mapped[str] = mapped_column(default="")
    """The eight characters between the id and the service in the names of an interface endpoint."""
    state: Mapped[str] = mapped_column(default="available")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class VpcEndpointGroup(Base):
    """A security group of an interface endpoint; ``position`` is its place in the order in which they were given."""

    __tablename__ = "vpc_endpoint_groups"

    vpc_endpoint_id: Mapped[str] = mapped_column(ForeignKey("vpc_endpoints.vpc_endpoint_id"), primary_key=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("security_groups.group_id"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)


class PrefixList(Base):
    """A prefix list that a customer manages; ``version`` is the latest one."""

    __tablename__ = "prefix_lists"

    prefix_list_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    max_entries: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="create-complete")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class PrefixListEntry(Base):
    """A network in one version of a customer's prefix list."""

    __tablename__ = "prefix_list_entries"

    prefix_list_id: Mapped[str] = mapped_column(ForeignKey("prefix_lists.prefix_list_id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    cidr: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]


class NetworkInsightsPath(Base):
    """A path whose reachability can be analysed, as it was requested."""

    __tablename__ = "network_insights_paths"

    path_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    source: Mapped[str]
    destination: Mapped[str | None]
    protocol: Mapped[str]
    request: Mapped[dict[str, object]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class NetworkInsightsAnalysis(Base):
    """One analysis of a path, with its result as EC2 shows it."""

    __tablename__ = "network_insights_analyses"

    analysis_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    path_id: Mapped[str] = mapped_column(ForeignKey("network_insights_paths.path_id"), index=True)
    status: Mapped[str]
    path_found: Mapped[bool]
    result: Mapped[dict[str, object]] = mapped_column(JSON)
    """``ForwardPathComponents``, ``ReturnPathComponents``, ``Explanations`` and other members of the response."""
    filters: Mapped[list[str]] = mapped_column(JSON)
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class FlowLog(Base):
    """A flow log: which flows are recorded, in which format, and where the records are written.

    ``resource_type`` is ``VPC``, ``Subnet`` or ``NetworkInterface``; ``traffic_type`` ``ACCEPT``, ``REJECT`` or
    ``ALL``; ``destination_type`` ``cloud-watch-logs`` or ``s3``; ``max_aggregation_interval`` is in seconds.
    ``deliver_status`` and ``deliver_error`` are written by the delivery.
    """

    __tablename__ = "flow_logs"

    flow_log_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    resource_type: Mapped[str]
    resource_id: Mapped[str] = mapped_column(index=True)
    traffic_type: Mapped[str]
    destination_type: Mapped[str]
    log_group_name: Mapped[str | None]
    log_destination: Mapped[str | None]
    """The ARN of a bucket with an optional prefix, or of a log group; ``None`` if only the group's name was given."""
    deliver_role_arn: Mapped[str | None]
    log_format: Mapped[str]
    max_aggregation_interval: Mapped[int] = mapped_column(default=600)
    file_format: Mapped[str] = mapped_column(default="plain-text")
    hive_compatible_partitions: Mapped[bool] = mapped_column(default=False)
    per_hour_partition: Mapped[bool] = mapped_column(default=False)
    deliver_status: Mapped[str] = mapped_column(default="SUCCESS")
    deliver_error: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Tag(Base):
    """A tag of any EC2 resource; ``resource_type`` is EC2's word for it, for example ``security-group``."""

    __tablename__ = "ec2_tags"

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    account: Mapped[str] = mapped_column(index=True)
    resource_type: Mapped[str]


class ClientToken(Base):
    """The client token of a create call and the ids that it created; ``parameters`` is a digest of the others."""

    __tablename__ = "ec2_client_tokens"

    account: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(primary_key=True)
    parameters: Mapped[str]
    resource_ids: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


UNATTACHED = "unattached"
"""What a transaction remarks if the only interface that it writes is new or deleted, and attached to nothing."""
INTERFACE_TABLES: frozenset[str] = frozenset(
    table.__tablename__ for table in (NetworkInterface, NetworkInterfaceGroup, SecondaryAddress)
)
"""The tables of an interface's own rows."""
NETWORK_TABLES: frozenset[str] = frozenset(
    table.__tablename__
    for table in (
        Vpc,
        VpcCidr,
        Subnet,
        RouteTable,
        Route,
        RouteTableAssociation,
        SecurityGroup,
        SecurityGroupRule,
        NetworkInterface,
        NetworkInterfaceGroup,
        SecondaryAddress,
        InternetGateway,
        ElasticAddress,
        NatGateway,
        VpcEndpoint,
        VpcEndpointGroup,
        PrefixList,
        PrefixListEntry,
        FlowLog,
    )
)
"""The tables that ``network_spec.py`` reads."""

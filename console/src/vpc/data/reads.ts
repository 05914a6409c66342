import {
  type Address,
  type AvailabilityZone,
  DescribeAddressesCommand,
  DescribeAvailabilityZonesCommand,
  DescribeDhcpOptionsCommand,
  DescribeFlowLogsCommand,
  DescribeInternetGatewaysCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointServicesCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  type DhcpOptions,
  type EC2Client,
  type FlowLog,
  type InternetGateway,
  type ManagedPrefixList,
  type NatGateway,
  type NetworkInterface,
  type RouteTable,
  type SecurityGroup,
  type SecurityGroupRule,
  type ServiceDetail,
  type Subnet,
  type Vpc,
  type VpcEndpoint,
} from "@aws-sdk/client-ec2";
import { pages } from "./pages";

/** A listing of EC2: its operation, and a function that reads all of it. */
export interface Read<Item> {
  readonly operation: string;
  readonly all: (ec2: EC2Client) => Promise<Item[]>;
}

const MaxResults = 1000;

export const vpcs: Read<Vpc> = {
  operation: "DescribeVpcs",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeVpcsCommand({ MaxResults, NextToken })),
      ({ Vpcs }) => Vpcs,
    ),
};

export const subnets: Read<Subnet> = {
  operation: "DescribeSubnets",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeSubnetsCommand({ MaxResults, NextToken })),
      ({ Subnets }) => Subnets,
    ),
};

export const routeTables: Read<RouteTable> = {
  operation: "DescribeRouteTables",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeRouteTablesCommand({ MaxResults: 100, NextToken })),
      ({ RouteTables }) => RouteTables,
    ),
};

export const securityGroups: Read<SecurityGroup> = {
  operation: "DescribeSecurityGroups",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeSecurityGroupsCommand({ MaxResults, NextToken })),
      ({ SecurityGroups }) => SecurityGroups,
    ),
};

export const groupRules: Read<SecurityGroupRule> = {
  operation: "DescribeSecurityGroupRules",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeSecurityGroupRulesCommand({ MaxResults, NextToken })),
      ({ SecurityGroupRules }) => SecurityGroupRules,
    ),
};

export const endpoints: Read<VpcEndpoint> = {
  operation: "DescribeVpcEndpoints",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeVpcEndpointsCommand({ MaxResults, NextToken })),
      ({ VpcEndpoints }) => VpcEndpoints,
    ),
};

export const endpointServices: Read<ServiceDetail> = {
  operation: "DescribeVpcEndpointServices",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeVpcEndpointServicesCommand({ MaxResults, NextToken })),
      ({ ServiceDetails }) => ServiceDetails,
    ),
};

export const interfaces: Read<NetworkInterface> = {
  operation: "DescribeNetworkInterfaces",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeNetworkInterfacesCommand({ MaxResults, NextToken })),
      ({ NetworkInterfaces }) => NetworkInterfaces,
    ),
};

export const internetGateways: Read<InternetGateway> = {
  operation: "DescribeInternetGateways",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeInternetGatewaysCommand({ MaxResults, NextToken })),
      ({ InternetGateways }) => InternetGateways,
    ),
};

export const natGateways: Read<NatGateway> = {
  operation: "DescribeNatGateways",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeNatGatewaysCommand({ MaxResults, NextToken })),
      ({ NatGateways }) => NatGateways,
    ),
};

export const addresses: Read<Address> = {
  operation: "DescribeAddresses",
  // The only listing here without pages.
  all: async (ec2) => (await ec2.send(new DescribeAddressesCommand({}))).Addresses ?? [],
};

export const flowLogs: Read<FlowLog> = {
  operation: "DescribeFlowLogs",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeFlowLogsCommand({ MaxResults, NextToken })),
      ({ FlowLogs }) => FlowLogs,
    ),
};

export const prefixLists: Read<ManagedPrefixList> = {
  operation: "DescribeManagedPrefixLists",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeManagedPrefixListsCommand({ MaxResults: 100, NextToken })),
      ({ PrefixLists }) => PrefixLists,
    ),
};

export const dhcpOptions: Read<DhcpOptions> = {
  operation: "DescribeDhcpOptions",
  all: (ec2) =>
    pages(
      (NextToken) => ec2.send(new DescribeDhcpOptionsCommand({ MaxResults, NextToken })),
      ({ DhcpOptions }) => DhcpOptions,
    ),
};

export const zones: Read<AvailabilityZone> = {
  operation: "DescribeAvailabilityZones",
  all: async (ec2) => (await ec2.send(new DescribeAvailabilityZonesCommand({}))).AvailabilityZones ?? [],
};

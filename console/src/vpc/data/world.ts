import type {
  Address,
  FlowLog,
  InternetGateway,
  NatGateway,
  NetworkInterface,
  RouteTable,
  SecurityGroup,
  SecurityGroupRule,
  Subnet,
  Vpc,
  VpcEndpoint,
} from "@aws-sdk/client-ec2";
import * as reads from "./reads";
import { useRead } from "./use";

/** The resources of the account's networks that refer to others, as last read. */
export interface World {
  readonly vpcs: readonly Vpc[];
  readonly subnets: readonly Subnet[];
  readonly routeTables: readonly RouteTable[];
  readonly groups: readonly SecurityGroup[];
  readonly rules: readonly SecurityGroupRule[];
  readonly endpoints: readonly VpcEndpoint[];
  readonly interfaces: readonly NetworkInterface[];
  readonly internetGateways: readonly InternetGateway[];
  readonly natGateways: readonly NatGateway[];
  readonly addresses: readonly Address[];
  readonly flowLogs: readonly FlowLog[];
}

interface LiveWorld {
  readonly world: World;
  readonly isPending: boolean;
  /** Operations that failed, so that their results are missing. */
  readonly unread: readonly string[];
  readonly error: unknown;
}

/** The account's networks, kept up to date. */
export function useWorld(interval?: number): LiveWorld {
  const vpcs = useRead(reads.vpcs, interval);
  const subnets = useRead(reads.subnets, interval);
  const routeTables = useRead(reads.routeTables, interval);
  const groups = useRead(reads.securityGroups, interval);
  const rules = useRead(reads.groupRules, interval);
  const endpoints = useRead(reads.endpoints, interval);
  const interfaces = useRead(reads.interfaces, interval);
  const internetGateways = useRead(reads.internetGateways, interval);
  const natGateways = useRead(reads.natGateways, interval);
  const addresses = useRead(reads.addresses, interval);
  const flowLogs = useRead(reads.flowLogs, interval);
  const all = [
    [reads.vpcs, vpcs],
    [reads.subnets, subnets],
    [reads.routeTables, routeTables],
    [reads.securityGroups, groups],
    [reads.groupRules, rules],
    [reads.endpoints, endpoints],
    [reads.interfaces, interfaces],
    [reads.internetGateways, internetGateways],
    [reads.natGateways, natGateways],
    [reads.addresses, addresses],
    [reads.flowLogs, flowLogs],
  ] as const;
  return {
    world: {
      vpcs: vpcs.data ?? [],
      subnets: subnets.data ?? [],
      routeTables: routeTables.data ?? [],
      groups: groups.data ?? [],
      rules: rules.data ?? [],
      endpoints: endpoints.data ?? [],
      interfaces: interfaces.data ?? [],
      internetGateways: internetGateways.data ?? [],
      natGateways: natGateways.data ?? [],
      addresses: addresses.data ?? [],
      flowLogs: flowLogs.data ?? [],
    },
    isPending: all.some(([, query]) => query.isPending),
    unread: all.filter(([, query]) => query.isError).map(([read]) => `ec2:${read.operation}`),
    error: all.find(([, query]) => query.isError)?.[1].error,
  };
}

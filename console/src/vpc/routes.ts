import type { Route, RouteTable, Subnet } from "@aws-sdk/client-ec2";

/** The route table of a subnet: its own, or the VPC's main one. */
export function tableOf(subnet: Subnet, tables: readonly RouteTable[]): RouteTable | undefined {
  const own = tables.find((table) => table.Associations?.some((each) => each.SubnetId === subnet.SubnetId));
  return own ?? tables.find((table) => table.VpcId === subnet.VpcId && table.Associations?.some((each) => each.Main));
}

/** The destination of a route: a network or a prefix list. */
export function destinationOf(route: Route): string {
  return route.DestinationCidrBlock ?? route.DestinationPrefixListId ?? route.DestinationIpv6CidrBlock ?? "-";
}

/** The target of a route. */
export function targetOf(route: Route): string {
  return route.NatGatewayId ?? route.NetworkInterfaceId ?? route.GatewayId ?? "-";
}

/** The part of a request that names a target by its id. */
export function targetParameter(
  target: string,
): { NatGatewayId: string } | { NetworkInterfaceId: string } | { GatewayId: string } {
  if (target.startsWith("nat-")) return { NatGatewayId: target };
  if (target.startsWith("eni-")) return { NetworkInterfaceId: target };
  return { GatewayId: target };
}

/** The part of a request that names a destination: a network, or a prefix list by its id. */
export function destinationParameter(
  destination: string,
): { DestinationPrefixListId: string } | { DestinationCidrBlock: string } {
  const text = destination.trim();
  return text.startsWith("pl-") ? { DestinationPrefixListId: text } : { DestinationCidrBlock: text };
}

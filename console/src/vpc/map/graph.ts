import type { NetworkInterface } from "@aws-sdk/client-ec2";
import type { World } from "../data/world";
import { labelOf } from "../ids";
import { jobOf } from "../jobs";
import { destinationOf, tableOf, targetOf } from "../routes";

export const COLUMNS = ["VPC", "Subnets", "Route tables", "Gateways and endpoints"] as const;

export interface MapInterface {
  readonly id: string;
  readonly address: string;
  readonly description: string;
  readonly isJob: boolean;
}

export interface MapNode {
  readonly id: string;
  readonly column: number;
  readonly title: string;
  readonly facts: readonly string[];
  /** The interfaces of a subnet, those of jobs first. */
  readonly interfaces: readonly MapInterface[];
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
  /** The destinations of the routes. */
  readonly label: string;
  /** Whether the route's target no longer exists. */
  readonly broken: boolean;
}

export interface Graph {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

/** The resources of a VPC and their connections, from left to right. */
export function graphOf(vpcId: string, world: World): Graph {
  const vpc = world.vpcs.find((each) => each.VpcId === vpcId);
  if (vpc === undefined) return { nodes: [], edges: [] };
  const inside = (each: { readonly VpcId?: string | undefined }): boolean => each.VpcId === vpcId;
  const nodes: MapNode[] = [];
  const edges: MapEdge[] = [];
  const put = (
    column: number,
    id: string | undefined,
    title: string,
    facts: readonly string[],
    interfaces: readonly MapInterface[] = [],
  ): void => {
    if (id !== undefined) nodes.push({ id, column, title, facts, interfaces });
  };
  put(0, vpcId, labelOf(vpcId, vpc.Tags), [vpc.CidrBlock ?? ""]);
  for (const subnet of world.subnets.filter(inside)) {
    const id = subnet.SubnetId ?? "";
    const facts = [
      `${subnet.CidrBlock}, ${subnet.AvailabilityZone}`,
      `${subnet.AvailableIpAddressCount} free addresses`,
    ];
    put(1, id, labelOf(id, subnet.Tags), facts, interfacesIn(id, world.interfaces));
    edges.push({ from: vpcId, to: id, label: subnet.CidrBlock ?? "", broken: false });
    const table = tableOf(subnet, world.routeTables)?.RouteTableId;
    if (table !== undefined) edges.push({ from: id, to: table, label: "its route table", broken: false });
  }
  for (const table of world.routeTables.filter(inside)) {
    const id = table.RouteTableId ?? "";
    const isMain = table.Associations?.some((each) => each.Main) ?? false;
    put(2, id, labelOf(id, table.Tags), isMain ? ["the main table"] : []);
    const targets = new Map<string, { destinations: string[]; broken: boolean }>();
    for (const route of table.Routes ?? []) {
      const target = targetOf(route);
      if (target === "local" || target === "-") continue;
      const known = targets.get(target) ?? { destinations: [], broken: false };
      known.destinations.push(destinationOf(route));
      targets.set(target, { ...known, broken: known.broken || route.State === "blackhole" });
    }
    for (const [to, { destinations, broken }] of targets)
      edges.push({ from: id, to, label: destinations.join(", "), broken });
  }
  for (const endpoint of world.endpoints.filter(inside)) {
    const service = endpoint.ServiceName?.split(".").at(-1) ?? "";
    const isGateway = endpoint.VpcEndpointType === "Gateway";
    put(3, endpoint.VpcEndpointId, labelOf(endpoint.VpcEndpointId, endpoint.Tags), [
      `${isGateway ? "gateway" : "interface"} endpoint of ${service}`,
    ]);
    for (const subnet of isGateway ? [] : (endpoint.SubnetIds ?? []))
      edges.push({
        from: subnet,
        to: endpoint.VpcEndpointId ?? "",
        label: `has an interface of ${service}`,
        broken: false,
      });
  }
  for (const gateway of world.internetGateways)
    if (gateway.Attachments?.some(inside))
      put(3, gateway.InternetGatewayId, labelOf(gateway.InternetGatewayId, gateway.Tags), ["internet gateway"]);
  for (const nat of world.natGateways.filter(inside))
    if (nat.State === "available")
      put(3, nat.NatGatewayId, labelOf(nat.NatGatewayId, nat.Tags), [
        `${nat.ConnectivityType} NAT gateway in ${nat.SubnetId}`,
      ]);
  // Routes can also have deleted resources and single interfaces as targets.
  for (const edge of edges)
    if (!nodes.some((node) => node.id === edge.to))
      put(3, edge.to, edge.to, [
        edge.broken ? "does not exist any more: packets to it are dropped" : "target of a route",
      ]);
  return { nodes, edges };
}

function interfacesIn(subnetId: string, interfaces: readonly NetworkInterface[]): MapInterface[] {
  return interfaces
    .filter((each) => each.SubnetId === subnetId)
    .map((each) => ({
      id: each.NetworkInterfaceId ?? "",
      address: each.PrivateIpAddress ?? "",
      description: each.Description ?? "",
      isJob: jobOf(each.Description) !== undefined,
    }))
    .sort((one, other) => Number(other.isJob) - Number(one.isJob));
}

/** A node with everything that its packets can reach, and everything that leads to it. */
export function pathOfNode(id: string, edges: readonly MapEdge[]): Set<string> {
  const found = new Set([id]);
  const walk = (from: string, ahead: boolean): void => {
    for (const edge of edges) {
      const [here, next] = ahead ? [edge.from, edge.to] : [edge.to, edge.from];
      if (here !== from || found.has(next)) continue;
      found.add(next);
      walk(next, ahead);
    }
  };
  walk(id, true);
  walk(id, false);
  return found;
}

/** The node that an arrow key moves to: up and down in a column, left and right along a connection. */
export function neighbour(id: string, key: string, { nodes, edges }: Graph): string | undefined {
  const node = nodes.find((each) => each.id === id);
  if (node === undefined) return undefined;
  if (key === "ArrowRight") return edges.find((edge) => edge.from === id)?.to;
  if (key === "ArrowLeft") return edges.find((edge) => edge.to === id)?.from;
  const column = nodes.filter((each) => each.column === node.column);
  const index = column.findIndex((each) => each.id === id);
  if (key === "ArrowDown") return column[index + 1]?.id;
  if (key === "ArrowUp") return column[index - 1]?.id;
  return undefined;
}

/** The same in words: a sentence for each subnet, for those who do not see the drawing. */
export function inWords({ nodes, edges }: Graph): string[] {
  return nodes
    .filter((node) => node.column === 1)
    .map((subnet) => {
      const table = edges.find((edge) => edge.from === subnet.id && edge.to.startsWith("rtb-"))?.to;
      const routes = edges
        .filter((edge) => edge.from === table)
        .map((edge) => `${edge.label} to ${edge.to}${edge.broken ? ", which does not exist any more" : ""}`);
      const jobs = subnet.interfaces.filter((each) => each.isJob).length;
      const ways = routes.length === 0 ? "nothing outside the VPC" : routes.join("; ");
      return `${subnet.title} uses ${table ?? "no route table"}, which leads ${ways}. It has ${subnet.interfaces.length} network interfaces, ${jobs} of them for jobs.`;
    });
}

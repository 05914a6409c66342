import type { Vpc } from "@aws-sdk/client-ec2";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useWorld } from "../data/world";
import { IdLinks } from "../IdLink";

/** The contents of a VPC, with links to their pages. */
export function VpcContentsPanel({ item }: { readonly item: Vpc }) {
  const { world } = useWorld();
  const inside = (each: { readonly VpcId?: string | undefined }): boolean => each.VpcId === item.VpcId;
  const attached = world.internetGateways.filter((gateway) => gateway.Attachments?.some(inside));
  const flowLogs = world.flowLogs.filter((flowLog) => flowLog.ResourceId === item.VpcId);
  const lists: readonly (readonly [string, readonly (string | undefined)[]])[] = [
    ["Subnets", world.subnets.filter(inside).map((each) => each.SubnetId)],
    ["Route tables", world.routeTables.filter(inside).map((each) => each.RouteTableId)],
    ["Security groups", world.groups.filter(inside).map((each) => each.GroupId)],
    ["Endpoints", world.endpoints.filter(inside).map((each) => each.VpcEndpointId)],
    ["Network interfaces", world.interfaces.filter(inside).map((each) => each.NetworkInterfaceId)],
    ["Internet gateway", attached.map((each) => each.InternetGatewayId)],
    ["NAT gateways", world.natGateways.filter(inside).map((each) => each.NatGatewayId)],
    ["Flow logs of the whole VPC", flowLogs.map((each) => each.FlowLogId)],
  ];
  return (
    <Container header={<Header variant="h2">In this VPC</Header>}>
      <KeyValuePairs columns={4} items={lists.map(([label, ids]) => ({ label, value: <IdLinks ids={ids} /> }))} />
    </Container>
  );
}

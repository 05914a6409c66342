import {
  DeleteFlowLogsCommand,
  DeleteInternetGatewayCommand,
  DeleteNatGatewayCommand,
  DeleteNetworkInterfaceCommand,
  DeleteRouteTableCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DeleteVpcEndpointsCommand,
  DescribeNatGatewaysCommand,
  DetachInternetGatewayCommand,
  DisassociateRouteTableCommand,
  type EC2Client,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { refuseUnsuccessful } from "./data/unsuccessful";
import type { World } from "./data/world";

/** A resource that is deleted with a VPC, with the function that deletes it. */
export interface Removal {
  readonly id: string;
  readonly what: string;
  readonly run: (ec2: EC2Client) => Promise<unknown>;
}

const NAT_WAIT_MILLISECONDS = 1_000;
const NAT_MOST_WAITS = 120;

/** What must be deleted with a VPC, in the order that EC2 requires, the VPC itself last. */
export function removalsOf(VpcId: string, world: World): Removal[] {
  const subnets = new Set(world.subnets.filter((subnet) => subnet.VpcId === VpcId).map(({ SubnetId }) => SubnetId));
  const mine = <Item extends { VpcId?: string | undefined }>(items: readonly Item[]): Item[] =>
    items.filter((item) => item.VpcId === VpcId);
  const interfaces = mine(world.interfaces).filter((one) => one.Status !== "in-use" && !one.RequesterManaged);
  const groups = mine(world.groups).filter(({ GroupName }) => GroupName !== "default");
  return [
    ...world.flowLogs
      .filter(({ ResourceId = "" }) => ResourceId === VpcId || subnets.has(ResourceId))
      .map(({ FlowLogId = "" }) =>
        removal(FlowLogId, "flow log", async (ec2) =>
          refuseUnsuccessful((await ec2.send(new DeleteFlowLogsCommand({ FlowLogIds: [FlowLogId] }))).Unsuccessful),
        ),
      ),
    ...mine(world.natGateways)
      .filter(({ State }) => State !== "deleted" && State !== "failed")
      .map(({ NatGatewayId = "" }) => removal(NatGatewayId, "NAT gateway", (ec2) => deleteNat(ec2, NatGatewayId))),
    ...mine(world.endpoints).map(({ VpcEndpointId = "" }) =>
      removal(VpcEndpointId, "endpoint", async (ec2) =>
        refuseUnsuccessful(
          (await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [VpcEndpointId] }))).Unsuccessful,
        ),
      ),
    ),
    ...world.internetGateways
      .filter(({ Attachments }) => Attachments?.some((attachment) => attachment.VpcId === VpcId))
      .map(({ InternetGatewayId = "" }) =>
        removal(InternetGatewayId, "internet gateway", async (ec2) => {
          await ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId }));
          await ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId }));
        }),
      ),
    ...interfaces.map(({ NetworkInterfaceId = "" }) =>
      removal(NetworkInterfaceId, "network interface", (ec2) =>
        ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId })),
      ),
    ),
    ...mine(world.subnets).map(({ SubnetId = "" }) =>
      removal(SubnetId, "subnet", (ec2) => ec2.send(new DeleteSubnetCommand({ SubnetId }))),
    ),
    ...mine(world.routeTables)
      .filter(({ Associations }) => !Associations?.some((association) => association.Main))
      .map(({ RouteTableId = "", Associations = [] }) =>
        removal(RouteTableId, "route table", async (ec2) => {
          // Associations with subnets were deleted with the subnets.
          for (const { RouteTableAssociationId, SubnetId } of Associations)
            if (SubnetId === undefined)
              await ec2.send(new DisassociateRouteTableCommand({ AssociationId: RouteTableAssociationId }));
          await ec2.send(new DeleteRouteTableCommand({ RouteTableId }));
        }),
      ),
    ...groups.map(({ GroupId = "" }, at) =>
      removal(GroupId, "security group", async (ec2) => {
        // Groups that refer to each other cannot be deleted while such rules exist, so all of those rules are deleted
        // first.
        if (at === 0) await revokeReferences(ec2, VpcId, world);
        await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
      }),
    ),
    removal(VpcId, "VPC", (ec2) => ec2.send(new DeleteVpcCommand({ VpcId }))),
  ];
}

/** What prevents the deletion of a VPC in any case: the interfaces of jobs that run in it. */
export function jobInterfacesOf(vpcId: string, world: World): string[] {
  return world.interfaces
    .filter((one) => one.VpcId === vpcId && one.Status === "in-use" && !isOfGateway(one.InterfaceType))
    .map(({ NetworkInterfaceId = "" }) => NetworkInterfaceId);
}

/** Interfaces of gateways and endpoints are deleted with them. */
function isOfGateway(type: string | undefined): boolean {
  return type === "nat_gateway" || type === "vpc_endpoint";
}

/** Perform the steps in order, reporting each; the first failure ends it. */
export async function remove(
  ec2: EC2Client,
  removals: readonly Removal[],
  tell: (done: number) => void,
): Promise<void> {
  for (const [done, one] of removals.entries()) {
    tell(done);
    try {
      await one.run(ec2);
    } catch (error) {
      if (error instanceof Error) error.message = `The ${one.what} ${one.id} stays: ${error.message}`;
      throw error;
    }
  }
}

function removal(id: string, what: string, run: Removal["run"]): Removal {
  return { id, what, run };
}

async function revokeReferences(ec2: EC2Client, vpcId: string, world: World): Promise<void> {
  const groups = new Set(world.groups.filter((group) => group.VpcId === vpcId).map(({ GroupId }) => GroupId));
  for (const { GroupId = "", SecurityGroupRuleId = "", IsEgress, ReferencedGroupInfo } of world.rules) {
    if (ReferencedGroupInfo === undefined || !groups.has(GroupId)) continue;
    const rule = { GroupId, SecurityGroupRuleIds: [SecurityGroupRuleId] };
    if (IsEgress) await ec2.send(new RevokeSecurityGroupEgressCommand(rule));
    else await ec2.send(new RevokeSecurityGroupIngressCommand(rule));
  }
}

/** A NAT gateway is deleted when its interface is; only then can its subnet be deleted. */
async function deleteNat(ec2: EC2Client, NatGatewayId: string): Promise<void> {
  await ec2.send(new DeleteNatGatewayCommand({ NatGatewayId }));
  for (let wait = 0; wait < NAT_MOST_WAITS; wait += 1) {
    const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand({ NatGatewayIds: [NatGatewayId] }));
    if ((NatGateways?.[0]?.State ?? "deleted") === "deleted") return;
    await new Promise((resolve) => window.setTimeout(resolve, NAT_WAIT_MILLISECONDS));
  }
  throw new Error("it is still being deleted. Wait a minute, then try again");
}

import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateFlowLogsCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  DeleteFlowLogsCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DeleteVpcEndpointsCommand,
  DescribePrefixListsCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
  RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import type { IAMClient } from "@aws-sdk/client-iam";
import { refuseUnsuccessful } from "../data/unsuccessful";
import { makeDeliveryRole, removeDeliveryRole } from "../flow/makeRole";
import { EXTENDED_FORMAT } from "../flow/records";
import { nameTag } from "../ids";
import { closedPolicy } from "../policy/closed";
import { selfPermission } from "../rules";
import { type PrivateVpc, subnetBlocks } from "./plan";

/** The clients for the calls, and the place. */
export interface Place {
  readonly ec2: EC2Client;
  readonly iam: IAMClient;
  readonly account: string;
  readonly region: string;
  readonly zones: readonly string[];
}

/** A created resource, with the function that removes it. */
export interface Made {
  readonly id: string;
  readonly what: string;
  readonly remove: () => Promise<unknown>;
}

/** The ids that earlier steps pass to later ones. */
export interface Ids {
  vpc: string;
  subnets: string[];
  group: string;
  endpointGroup: string;
  role: string;
}

export interface Step {
  readonly title: string;
  /** Performs the step. Each new resource is noted at once, so that after a failure it is known what exists. */
  readonly run: (ids: Ids, note: (made: Made) => void) => Promise<void>;
}

/** The steps that create a private VPC, in order. */
export function stepsOf(wanted: PrivateVpc, place: Place): Step[] {
  const { ec2, account, region, zones } = place;
  const name = wanted.name.trim();
  const s3 = `com.amazonaws.${region}.s3`;
  const steps: Step[] = [
    {
      title: "VPC",
      run: async (ids, note) => {
        const { Vpc } = await ec2.send(
          new CreateVpcCommand({ CidrBlock: wanted.cidr.trim(), TagSpecifications: nameTag("vpc", name) }),
        );
        const VpcId = needed(Vpc?.VpcId);
        ids.vpc = VpcId;
        note({ id: VpcId, what: "VPC", remove: () => ec2.send(new DeleteVpcCommand({ VpcId })) });
        // Private DNS names of interface endpoints need it, including those that are added later.
        await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: true } }));
      },
    },
    {
      title: "Subnets",
      run: async (ids, note) => {
        for (const [index, CidrBlock] of subnetBlocks(wanted.cidr, wanted.subnets).entries()) {
          const zone = zones[index % Math.max(1, zones.length)];
          const { Subnet } = await ec2.send(
            new CreateSubnetCommand({
              VpcId: ids.vpc,
              CidrBlock,
              ...(zone !== undefined && { AvailabilityZone: zone }),
              TagSpecifications: nameTag("subnet", `${name} ${index + 1}`),
            }),
          );
          const SubnetId = needed(Subnet?.SubnetId);
          ids.subnets.push(SubnetId);
          note({ id: SubnetId, what: "Subnet", remove: () => ec2.send(new DeleteSubnetCommand({ SubnetId })) });
        }
      },
    },
    {
      title: "Gateway endpoint of S3",
      run: async (ids, note) => {
        const { RouteTables } = await ec2.send(
          new DescribeRouteTablesCommand({ Filters: [{ Name: "vpc-id", Values: [ids.vpc] }] }),
        );
        const { VpcEndpoint } = await ec2.send(
          new CreateVpcEndpointCommand({
            VpcId: ids.vpc,
            VpcEndpointType: "Gateway",
            ServiceName: s3,
            RouteTableIds: [needed(RouteTables?.[0]?.RouteTableId)],
            TagSpecifications: nameTag("vpc-endpoint", `${name} S3`),
            ...(wanted.closed && { PolicyDocument: closedPolicy(account, wanted.buckets, region) }),
          }),
        );
        note(endpointMade(ec2, needed(VpcEndpoint?.VpcEndpointId)));
      },
    },
    {
      title: "Security group",
      run: async (ids, note) => {
        const GroupId = await makeGroup(ec2, ids.vpc, `${name} jobs`, "Jobs: each other, and S3", note);
        ids.group = GroupId;
        const { PrefixLists } = await ec2.send(
          new DescribePrefixListsCommand({ Filters: [{ Name: "prefix-list-name", Values: [s3] }] }),
        );
        const list = needed(PrefixLists?.[0]?.PrefixListId);
        await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [selfPermission(GroupId)] }));
        await ec2.send(
          new AuthorizeSecurityGroupEgressCommand({
            GroupId,
            IpPermissions: [
              selfPermission(GroupId),
              {
                IpProtocol: "tcp",
                FromPort: 443,
                ToPort: 443,
                PrefixListIds: [{ PrefixListId: list, Description: "S3" }],
              },
            ],
          }),
        );
      },
    },
  ];
  if (wanted.services.length > 0) steps.push(interfaceEndpoints(wanted, ec2, name));
  if (wanted.flowLog) steps.push(...flowLog(wanted, place, name));
  return steps;
}

function interfaceEndpoints(wanted: PrivateVpc, ec2: EC2Client, name: string): Step {
  return {
    title: "Interface endpoints",
    run: async (ids, note) => {
      const GroupId = await makeGroup(
        ec2,
        ids.vpc,
        `${name} endpoints`,
        "Interface endpoints: HTTPS from the jobs",
        note,
      );
      ids.endpointGroup = GroupId;
      const https = { IpProtocol: "tcp", FromPort: 443, ToPort: 443 };
      const to = (Peer: string) => [{ ...https, UserIdGroupPairs: [{ GroupId: Peer }] }];
      await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: to(ids.group) }));
      await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: ids.group, IpPermissions: to(GroupId) }));
      // The groups' rules refer to each other, so the jobs' outbound rule must be removed before the groups.
      note({
        id: `${ids.group} → ${GroupId}`,
        what: "Outbound rule to the endpoints",
        remove: () =>
          ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: ids.group, IpPermissions: to(GroupId) })),
      });
      for (const ServiceName of wanted.services) {
        const { VpcEndpoint } = await ec2.send(
          new CreateVpcEndpointCommand({
            VpcId: ids.vpc,
            VpcEndpointType: "Interface",
            ServiceName,
            SubnetIds: ids.subnets,
            SecurityGroupIds: [GroupId],
            PrivateDnsEnabled: true,
            TagSpecifications: nameTag("vpc-endpoint", `${name} ${ServiceName.split(".").at(-1)}`),
          }),
        );
        note(endpointMade(ec2, needed(VpcEndpoint?.VpcEndpointId)));
      }
    },
  };
}

function flowLog(wanted: PrivateVpc, { ec2, iam, account }: Place, name: string): Step[] {
  return [
    {
      title: "Role that delivers the flow log",
      run: async (ids, note) => {
        const { arn, made } = await makeDeliveryRole(iam, wanted.roleName, account);
        ids.role = arn;
        // A role that existed before is not removed: other flow logs may use it.
        if (made) note({ id: wanted.roleName, what: "Role", remove: () => removeDeliveryRole(iam, wanted.roleName) });
      },
    },
    {
      title: "Flow log",
      run: async (ids, note) => {
        const { FlowLogIds, Unsuccessful } = await ec2.send(
          new CreateFlowLogsCommand({
            ResourceType: "VPC",
            ResourceIds: [ids.vpc],
            TrafficType: "ALL",
            MaxAggregationInterval: 60,
            LogDestinationType: "cloud-watch-logs",
            LogGroupName: wanted.logGroup.trim(),
            DeliverLogsPermissionArn: ids.role,
            LogFormat: EXTENDED_FORMAT,
            TagSpecifications: nameTag("vpc-flow-log", name),
          }),
        );
        refuseUnsuccessful(Unsuccessful);
        const id = needed(FlowLogIds?.[0]);
        note({
          id,
          what: "Flow log",
          remove: async () =>
            refuseUnsuccessful((await ec2.send(new DeleteFlowLogsCommand({ FlowLogIds: [id] }))).Unsuccessful),
        });
      },
    },
  ];
}

/** A group that allows no traffic. */
async function makeGroup(
  ec2: EC2Client,
  VpcId: string,
  GroupName: string,
  Description: string,
  note: (made: Made) => void,
): Promise<string> {
  const answer = await ec2.send(
    new CreateSecurityGroupCommand({
      VpcId,
      GroupName,
      Description,
      TagSpecifications: nameTag("security-group", GroupName),
    }),
  );
  const GroupId = needed(answer.GroupId);
  note({ id: GroupId, what: "Security group", remove: () => ec2.send(new DeleteSecurityGroupCommand({ GroupId })) });
  await ec2.send(
    new RevokeSecurityGroupEgressCommand({
      GroupId,
      IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
    }),
  );
  return GroupId;
}

function endpointMade(ec2: EC2Client, id: string): Made {
  const remove = async (): Promise<void> =>
    refuseUnsuccessful((await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] }))).Unsuccessful);
  return { id, what: "Endpoint", remove };
}

function needed(id: string | undefined): string {
  if (id === undefined) throw new Error("The API's answer has no id.");
  return id;
}

import type { World } from "../../src/vpc/data/world";

/** A VPC with two subnets, a table to S3, and a table to a deleted gateway. */
export const WORLD: World = {
  internetGateways: [],
  natGateways: [],
  addresses: [],
  flowLogs: [],
  vpcs: [{ VpcId: "vpc-1", CidrBlock: "10.0.0.0/16" }],
  subnets: [
    { SubnetId: "subnet-1", VpcId: "vpc-1", CidrBlock: "10.0.0.0/24" },
    { SubnetId: "subnet-2", VpcId: "vpc-1", CidrBlock: "10.0.1.0/24" },
    { SubnetId: "subnet-9", VpcId: "vpc-9", CidrBlock: "10.9.0.0/24" },
  ],
  routeTables: [
    {
      RouteTableId: "rtb-1",
      VpcId: "vpc-1",
      Associations: [{ Main: true }],
      Routes: [
        { DestinationCidrBlock: "10.0.0.0/16", GatewayId: "local", State: "active" },
        { DestinationPrefixListId: "pl-1", GatewayId: "vpce-1", State: "active" },
      ],
    },
    {
      RouteTableId: "rtb-2",
      VpcId: "vpc-1",
      Associations: [{ SubnetId: "subnet-2", Main: false }],
      Routes: [{ DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-1", State: "blackhole" }],
    },
  ],
  groups: [
    { GroupId: "sg-1", VpcId: "vpc-1", GroupName: "default" },
    { GroupId: "sg-2", VpcId: "vpc-1", GroupName: "jobs" },
  ],
  rules: [{ SecurityGroupRuleId: "sgr-1", GroupId: "sg-1", ReferencedGroupInfo: { GroupId: "sg-2" } }],
  endpoints: [
    { VpcEndpointId: "vpce-1", VpcId: "vpc-1", VpcEndpointType: "Gateway", ServiceName: "com.amazonaws.us-east-1.s3" },
  ],
  interfaces: [
    {
      NetworkInterfaceId: "eni-1",
      VpcId: "vpc-1",
      SubnetId: "subnet-1",
      PrivateIpAddress: "10.0.0.9",
      Groups: [{ GroupId: "sg-2" }],
      Description: "Amazon Comprehend job arn:aws:comprehend:us-east-1:000000000001:entities-detection-job/0a1b (c-1)",
    },
  ],
};

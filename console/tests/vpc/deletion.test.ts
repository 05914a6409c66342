import type { EC2Client } from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import type { World } from "../../src/vpc/data/world";
import { jobInterfacesOf, removalsOf, remove } from "../../src/vpc/deletion";
import { WORLD } from "./world";

const FULL: World = {
  ...WORLD,
  internetGateways: [{ InternetGatewayId: "igw-1", Attachments: [{ VpcId: "vpc-1" }] }],
  natGateways: [
    { NatGatewayId: "nat-1", VpcId: "vpc-1", State: "available" },
    { NatGatewayId: "nat-2", VpcId: "vpc-1", State: "deleted" },
  ],
  flowLogs: [
    { FlowLogId: "fl-1", ResourceId: "vpc-1" },
    { FlowLogId: "fl-2", ResourceId: "subnet-2" },
    { FlowLogId: "fl-9", ResourceId: "subnet-9" },
  ],
  interfaces: [
    { NetworkInterfaceId: "eni-1", VpcId: "vpc-1", SubnetId: "subnet-1", Status: "available" },
    {
      NetworkInterfaceId: "eni-2",
      VpcId: "vpc-1",
      RequesterManaged: true,
      InterfaceType: "vpc_endpoint",
      Status: "in-use",
    },
    { NetworkInterfaceId: "eni-9", VpcId: "vpc-9", Status: "in-use" },
  ],
};

function recorder() {
  const sent: string[] = [];
  const send = async (command: { constructor: { name: string }; input: object }) => {
    sent.push(`${command.constructor.name.replace("Command", "")} ${Object.values(command.input).flat().join(" ")}`);
    return {};
  };
  return { sent, ec2: { send } as unknown as EC2Client };
}

test("everything in a VPC is deleted before it, in an order that EC2 accepts, and nothing of another VPC", () => {
  const removals = removalsOf("vpc-1", FULL);
  expect(removals.map(({ id }) => id)).toEqual([
    ...["fl-1", "fl-2", "nat-1", "vpce-1", "igw-1", "eni-1"],
    ...["subnet-1", "subnet-2", "rtb-2", "sg-2", "vpc-1"],
  ]);
});

test("the main route table and the default group are deleted with the VPC", () => {
  const ids = removalsOf("vpc-1", FULL).map(({ id }) => id);
  expect(ids).not.toContain("rtb-1");
  expect(ids).not.toContain("sg-1");
});

test("rules that refer to groups are deleted before the groups", async () => {
  const { sent, ec2 } = recorder();
  await remove(ec2, removalsOf("vpc-1", FULL), () => undefined);
  const revoked = sent.findIndex((call) => call.startsWith("RevokeSecurityGroupIngress sg-1 sgr-1"));
  const deleted = sent.findIndex((call) => call.startsWith("DeleteSecurityGroup sg-2"));
  expect(revoked).toBeGreaterThan(-1);
  expect(revoked).toBeLessThan(deleted);
  expect(sent.at(-1)).toBe("DeleteVpc vpc-1");
});

test("a failure ends the deletion, and is reported", async () => {
  const removals = removalsOf("vpc-1", FULL);
  const progress: number[] = [];
  const ec2 = {
    send: async (command: { constructor: { name: string } }) => {
      if (command.constructor.name === "DeleteSubnetCommand") throw new Error("it is in use");
      return {};
    },
  } as unknown as EC2Client;
  await expect(remove(ec2, removals, (done) => progress.push(done))).rejects.toThrow(
    "The subnet subnet-1 stays: it is in use",
  );
  expect(progress.at(-1)).toBe(6);
});

test("a VPC with a running job is detected, and an endpoint is not mistaken for a job", () => {
  expect(jobInterfacesOf("vpc-1", FULL)).toEqual([]);
  const running = { NetworkInterfaceId: "eni-3", VpcId: "vpc-1", Status: "in-use" } as const;
  expect(jobInterfacesOf("vpc-1", { ...FULL, interfaces: [...FULL.interfaces, running] })).toEqual(["eni-3"]);
});

import { CreateVpcEndpointCommand, DescribeVpcEndpointsCommand, ModifyVpcEndpointCommand } from "@aws-sdk/client-ec2";
import { GetRoleCommand, UpdateAssumeRolePolicyCommand } from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import { addMissing, type Change, canAdd, described, type Target, withStatement } from "../../src/create/parts/changes";

const change = (Service: string, Operation: string, request: object, statement?: object): Change => ({
  Service,
  Operation,
  Request: JSON.stringify(request),
  ...(statement !== undefined && { Statement: JSON.stringify(statement) }),
});

/** A client that records its requests, and answers for an account. */
function account() {
  const sent: { name: string; input: Record<string, unknown> }[] = [];
  const policy = '{"Version":"2012-10-17","Statement":[{"Sid":"Mine"}]}';
  const send = async (command: { input: object; constructor: { name: string } }) => {
    if (command instanceof DescribeVpcEndpointsCommand) return { VpcEndpoints: [{ PolicyDocument: policy }] };
    if (command instanceof GetRoleCommand) return { Role: { AssumeRolePolicyDocument: encodeURIComponent(policy) } };
    sent.push({ name: command.constructor.name, input: command.input as Record<string, unknown> });
    return {};
  };
  const client = { send } as unknown;
  const target = { ec2: client, iam: client, account: "000000000001", region: "us-east-1", buckets: ["papers"] };
  return { sent, target: target as Target };
}

test("unknown changes are not offered, and not sent", async () => {
  expect(canAdd(undefined)).toBe(false);
  expect(canAdd([])).toBe(false);
  for (const [service, operation] of [
    ["ec2", "DeleteVpc"],
    // It would replace what the VPC has, and the dialog promises that nothing existing is removed.
    ["ec2", "AssociateDhcpOptions"],
    ["iam", "AttachRolePolicy"],
    ["s3", "PutBucketPolicy"],
    ["", "constructor"],
  ] as const) {
    expect(canAdd([change(service, operation, {})])).toBe(false);
    await expect(addMissing([change(service, operation, {})], account().target)).rejects.toThrow(/does not know/);
  }
  expect(canAdd([change("ec2", "ModifyVpcEndpoint", {})])).toBe(true);
});

test("a statement is added to the existing policy, once", () => {
  const added = withStatement('{"Version":"2012-10-17","Statement":{"Sid":"Mine"}}', '{"Sid":"New"}');
  expect(JSON.parse(added)).toEqual({ Version: "2012-10-17", Statement: [{ Sid: "Mine" }, { Sid: "New" }] });
  expect(withStatement(added, '{"Sid":"New"}')).toBe(added);
  expect(JSON.parse(withStatement("{}", '{"Sid":"New"}')).Statement).toEqual([{ Sid: "New" }]);
  expect(() => withStatement("", "{}")).toThrow();
});

test("an endpoint's policy and a trust policy keep what they have", async () => {
  const { sent, target } = account();
  await addMissing(
    [
      change("ec2", "ModifyVpcEndpoint", { VpcEndpointId: "vpce-1" }, { Sid: "New" }),
      change("iam", "UpdateAssumeRolePolicy", { RoleName: "reader" }, { Sid: "New" }),
    ],
    target,
  );
  const PolicyDocument = '{"Version":"2012-10-17","Statement":[{"Sid":"Mine"},{"Sid":"New"}]}';
  expect(sent).toEqual([
    { name: ModifyVpcEndpointCommand.name, input: { VpcEndpointId: "vpce-1", PolicyDocument } },
    { name: UpdateAssumeRolePolicyCommand.name, input: { RoleName: "reader", PolicyDocument } },
  ]);
});

test("a new endpoint gives access only to the job's buckets, and that is shown before", async () => {
  const { sent, target } = account();
  const endpoint = change("ec2", "CreateVpcEndpoint", { VpcId: "vpc-1", RouteTableIds: ["rtb-1"] });
  const { words, code } = described(endpoint, target);
  expect(words).toContain("vpc-1");
  expect(code).toContain("aws:PrincipalAccount");
  await addMissing([endpoint], target);
  expect(sent[0]?.name).toBe(CreateVpcEndpointCommand.name);
  const { Statement } = JSON.parse(String(sent[0]?.input["PolicyDocument"]));
  expect(Statement[0].Resource).toEqual(["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"]);
});

test("a failure ends the changes", async () => {
  const { sent, target } = account();
  const bad = { ...change("iam", "PutRolePolicy", {}), Request: "not JSON" };
  await expect(addMissing([bad, change("ec2", "ModifyVpcAttribute", {})], target)).rejects.toThrow();
  expect(sent).toEqual([]);
});

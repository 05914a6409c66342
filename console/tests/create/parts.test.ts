import { describe, expect, it } from "vitest";
import { byUrgency, failedOf, isClean, placeOf, verdict } from "../../src/create/parts/preflight";
import { accessPolicy, suffixProblem } from "../../src/create/parts/rolePolicy";
import { parseS3Uri } from "../../src/create/parts/s3Uri";
import { CONTAINERS_TAG, jobTagErrors, tagsProblem } from "../../src/create/parts/tags";
import { fromVpcConfig, NO_VPC, splitIds, validateVpc, vpcConfig } from "../../src/create/parts/vpc";

const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, number) => `${prefix}-${number}`);

describe("the VPC section", () => {
  const whole = { vpc: "vpc-1", subnets: ["subnet-1"], groups: ["sg-1"] };

  it("requires nothing if nothing is chosen", () => {
    expect(validateVpc(NO_VPC)).toEqual({});
    expect(vpcConfig(NO_VPC)).toBeUndefined();
  });

  it("requires both lists once a VPC or one of them is chosen", () => {
    expect(Object.keys(validateVpc({ ...NO_VPC, vpc: "vpc-1" }))).toEqual(["subnets", "groups"]);
    expect(Object.keys(validateVpc({ ...NO_VPC, groups: ["sg-1"] }))).toEqual(["subnets"]);
    expect(validateVpc(whole)).toEqual({});
  });

  it("accepts up to 16 subnets and 5 groups", () => {
    expect(validateVpc({ ...whole, subnets: ids("subnet", 16), groups: ids("sg", 5) })).toEqual({});
    expect(validateVpc({ ...whole, subnets: ids("subnet", 17) }).subnets).toContain("at most 16");
    expect(validateVpc({ ...whole, groups: ids("sg", 6) }).groups).toContain("at most 5");
  });

  it("refuses a VPC of dedicated tenancy with the reason", () => {
    expect(validateVpc({ ...whole, tenancy: "dedicated" }).vpc).toContain("dedicated tenancy");
    expect(validateVpc({ ...whole, tenancy: "default" })).toEqual({});
  });

  it.each([" sg-1", "sg_1", "s".repeat(33), "sg-1/../", ""])("refuses the id %j", (id) => {
    expect(validateVpc({ ...whole, groups: [id] }).groups).toContain("not the id");
  });

  it("refuses a duplicate id", () => {
    expect(validateVpc({ ...whole, subnets: ["subnet-1", "subnet-1"] }).subnets).toContain("twice");
  });

  it("accepts a job's own network and typed ids", () => {
    const config = { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] };
    expect(vpcConfig(fromVpcConfig(config))).toEqual(config);
    expect(vpcConfig(fromVpcConfig(undefined))).toBeUndefined();
    expect(splitIds(" subnet-1, subnet-2\n\tsubnet-3,,")).toEqual(["subnet-1", "subnet-2", "subnet-3"]);
  });
});

describe("the role", () => {
  it("may do what the locations need, and nothing else", () => {
    const access = { inputs: ["s3://inbox/docs/"], outputs: ["s3://outbox/results"], network: false };
    expect(accessPolicy(access, "locations").Statement).toEqual([
      { Sid: "ReadInput", Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::inbox/docs/*"] },
      { Sid: "ListInput", Effect: "Allow", Action: ["s3:ListBucket"], Resource: ["arn:aws:s3:::inbox"] },
      {
        Sid: "WriteOutput",
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
        Resource: ["arn:aws:s3:::outbox/results*"],
      },
    ]);
    expect(accessPolicy(access, "buckets").Statement[0]?.Resource).toEqual(["arn:aws:s3:::inbox/*"]);
  });

  it("has the EC2 permissions that a job in a VPC needs, and the endpoint's condition only with a VPC", () => {
    const access = { inputs: ["s3://inbox/"], outputs: [], network: true, endpoint: "vpce-1" };
    const statements = accessPolicy(access, "locations").Statement;
    expect(statements.at(-1)?.Action).toHaveLength(9);
    expect(statements.at(-1)).not.toHaveProperty("Condition");
    expect(statements[0]?.Condition).toEqual({ StringEquals: { "aws:SourceVpce": "vpce-1" } });
  });

  it("takes a key that looks like a pattern literally", () => {
    const variable = (name: string): string => `\${${name}}`;
    const inputs = [`s3://inbox/a*b?c${variable("d")}/`];
    const { Statement } = accessPolicy({ inputs, outputs: [], network: false }, "locations");
    const [star, question, dollar] = ["*", "?", "$"].map(variable);
    expect(Statement[0]?.Resource).toEqual([`arn:aws:s3:::inbox/a${star}b${question}c${dollar}{d}/*`]);
  });

  it("leaves out missing locations", () => {
    expect(accessPolicy({ inputs: ["", "s3:/x"], outputs: [""], network: false }, "locations").Statement).toEqual([]);
  });

  it("has a suffix that IAM accepts", () => {
    expect(suffixProblem("jobs-1")).toBeUndefined();
    for (const suffix of ["", "a b", "a/b", "x".repeat(38)]) expect(suffixProblem(suffix)).toBeDefined();
  });
});

describe("tags", () => {
  it("each have their own problem", () => {
    const tags = [
      { Key: "a", Value: "1" },
      { Key: "a", Value: "2" },
      { Key: "", Value: "" },
      { Key: "AWS:x", Value: "" },
      { Key: "k".repeat(129), Value: "v".repeat(257) },
      { Key: CONTAINERS_TAG, Value: "17" },
      { Key: "b", Value: "" },
    ];
    expect(jobTagErrors(tags).map((errors) => Object.keys(errors))).toEqual([
      [],
      ["key"],
      ["key"],
      ["key"],
      ["key", "value"],
      ["value"],
      [],
    ]);
  });

  it.each(["0", "01", "1.0", "-1", "", "17"])("refuse %j containers", (Value) => {
    expect(tagsProblem([{ Key: CONTAINERS_TAG, Value }])).toContain("1 to 16");
  });

  it("are at most 50", () => {
    const tags = ids("k", 51).map((Key) => ({ Key, Value: "" }));
    expect(tagsProblem(tags.slice(1))).toBeUndefined();
    expect(tagsProblem(tags)).toContain("Remove 1");
  });
});

describe("the preflight", () => {
  const check = (Name: string, Status: string) => ({ Name, Status, Message: "" });

  it("puts first what must be changed", () => {
    const checks = [check("a", "PASSED"), check("b", "SKIPPED"), check("c", "WARNING"), check("d", "FAILED")];
    expect(byUrgency(checks).map(({ Name }) => Name)).toEqual(["d", "c", "a", "b"]);
    expect(verdict(checks)).toBe("One check failed: the job would not succeed as it is. One warning to read.");
    expect(verdict(checks.slice(0, 2))).toBe("Nothing stands in the way.");
    // One line is enough if nothing needs attention; failed checks need confirmation before anything is sent.
    expect(isClean(checks.slice(0, 2))).toBe(true);
    expect(isClean(checks)).toBe(false);
    expect(failedOf(checks)).toHaveLength(1);
  });

  it.each([
    ["sg-0207f1d59de4e048f", "/vpc/security-groups/sg-0207f1d59de4e048f"],
    ["arn:aws:iam::000000000001:role/service-role/reader", "/access/roles/reader"],
    ["s3://bucket/in/../x", "/s3/bucket"],
    ["arn:aws:s3:::bucket/*", "/s3/bucket"],
    ["javascript:alert(1)", undefined],
    ["sg-1/../../x", undefined],
    ["//evil.example", undefined],
  ])("leads from %j to %j", (id, place) => {
    expect(placeOf(id)).toBe(place);
  });
});

describe("parseS3Uri", () => {
  it.each([
    ["s3://bucket", { bucket: "bucket", key: "" }],
    ["s3://bucket/a//b\nc", { bucket: "bucket", key: "a//b\nc" }],
    ["s3://b/x", undefined],
    ["https://bucket/x", undefined],
  ])("reads %j", (uri, place) => {
    expect(parseS3Uri(uri)).toEqual(place);
  });
});

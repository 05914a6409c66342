import { describe, expect, it } from "vitest";
import { readFailure } from "../../src/jobs/failure";
import { JOB_KINDS, jobPath, kindOf, kindOfArn, typeLabel } from "../../src/jobs/kinds";
import { storagePath, storagePlace } from "../../src/jobs/places";
import type { JobProperties } from "../../src/jobs/properties";

const COPY = "/jobs/create?copy=entities/1";
const JOB: JobProperties = {
  DataAccessRoleArn: "arn:aws:iam::000000000001:role/service/reader",
  InputDataConfig: { S3Uri: "s3://library/speeches/" },
  OutputDataConfig: { S3Uri: "s3://results/out/1/output/output.tar.gz" },
  VpcConfig: { Subnets: ["subnet-0aaaaaaaaaaaaaaaa"], SecurityGroupIds: ["sg-0bbbbbbbbbbbbbbbb"] },
};
const read = (Message: string) => readFailure({ ...JOB, Message }, COPY);

describe("the one thing to change", () => {
  it("is the group that lacks a rule, not the subnet at the beginning of the message", () => {
    const failure = read(
      "NO_ROUTE_TO_STORAGE: From the subnet subnet-004bfe98908c21ffd the job would not reach S3: no egress rule of " +
        "sg-0a011096517feb611 (eni-064bf5ce06f9526bf) allows TCP 443 to 52.216.0.10: add one with AuthorizeSecurityGroupEgress.",
    );
    expect(failure?.code).toBe("NO_ROUTE_TO_STORAGE");
    expect(failure?.place).toEqual({
      label: "Security group sg-0a011096517feb611",
      to: "/vpc/security-groups/sg-0a011096517feb611",
    });
  });

  it("is the route table that has no route", () => {
    const text = "rtb-0123456789abcdef0 has no route to pl-63a5400a (S3): create a gateway endpoint";
    expect(read(`NO_ROUTE_TO_STORAGE: From the subnet subnet-004bfe98908c21ffd: ${text}`)?.place?.to).toBe(
      "/vpc/route-tables/rtb-0123456789abcdef0",
    );
  });

  it("is the VPC without name resolution", () => {
    const text = "DNS resolves no name, because enableDnsSupport of vpc-0123456789abcdef0 is false";
    expect(read(`NO_ROUTE_TO_STORAGE: ${text}`)?.place?.to).toBe("/vpc/vpcs/vpc-0123456789abcdef0");
  });

  it("is the role that cannot be assumed or lacks an action", () => {
    for (const code of ["ROLE_NOT_ASSUMABLE", "NO_PERMISSION_FOR_NETWORK_INTERFACE"]) {
      expect(read(`${code}: why`)?.place?.to).toBe("/access/roles/reader");
    }
  });

  it("is the policy that decided about the storage", () => {
    const denied = (tail: string) => read(`NO_WRITE_ACCESS_TO_OUTPUT: denied ${tail}`)?.place?.to;
    expect(denied("because no identity-based policy allows the s3:PutObject action")).toBe("/access/roles/reader");
    expect(denied("with an explicit deny in a resource-based policy")).toBe("/s3/results?prefix=out%2F1%2Foutput%2F");
    expect(denied("because no VPC endpoint policy allows it (endpoint vpce-0123456789abcdef0)")).toBe(
      "/vpc/endpoints/vpce-0123456789abcdef0",
    );
  });

  it("is the job itself if it names what does not exist", () => {
    expect(read("SUBNET_NOT_FOUND: The subnet subnet-0123456789abcdef0 does not exist.")?.place?.to).toBe(COPY);
  });

  it("is the subnet that has no free addresses", () => {
    const message = "INSUFFICIENT_IP_ADDRESSES: The subnets subnet-0123456789abcdef0 have 1 free";
    expect(read(message)?.place?.to).toBe("/vpc/subnets/subnet-0123456789abcdef0");
  });
});

describe("a message", () => {
  it("gives its commands, each once, and the id of the denied request", () => {
    const failure = read(
      "CONTAINERS_CANNOT_CONNECT: Let sg-0123456789abcdef0 in from itself: `aws ec2 one` and `aws ec2 two`, `aws ec2 one` " +
        "[no identity-based policy allows it; request 01234567-89ab-cdef-0123-456789abcdef]",
    );
    expect(failure?.commands).toEqual(["aws ec2 one", "aws ec2 two"]);
    expect(failure?.requestId).toBe("01234567-89ab-cdef-0123-456789abcdef");
  });

  it("without a code is shown as it is", () => {
    expect(read("it broke")).toMatchObject({ code: "FAILED", text: "it broke", place: undefined, commands: [] });
  });

  it("links only to pages of the console, whatever it says", () => {
    const failure = read("NO_ROUTE_TO_STORAGE: sg-../../evil javascript:alert(1) subnet-x https://elsewhere.example");
    expect(failure?.place?.to).toMatch(/^\/vpc\/subnets\/subnet-0a+$/);
    expect(
      readFailure({ ...JOB, DataAccessRoleArn: "javascript:alert(1)", Message: "ROLE_NOT_ASSUMABLE: x" })?.place,
    ).toBe(undefined);
  });

  it("is undefined if there is none", () => {
    expect(readFailure(JOB)).toBeUndefined();
  });
});

describe("addresses", () => {
  it("of objects and prefixes lead to their folder", () => {
    const place = storagePlace("s3://library/a b/ü?&#/x.txt");
    expect(place).toEqual({ bucket: "library", key: "a b/ü?&#/x.txt" });
    expect(place && storagePath(place)).toBe(`/s3/library?prefix=${encodeURIComponent("a b/ü?&#/")}`);
    expect(storagePath({ bucket: "library", key: "start" })).toBe("/s3/library");
    expect(storagePlace("https://library/a")).toBeUndefined();
    expect(storagePlace("javascript:alert(1)")).toBeUndefined();
    expect(storagePlace("s3://../x")).toBeUndefined();
  });
});

describe("kinds of jobs", () => {
  it("are found by their slug and by the ARN of a job", () => {
    for (const kind of JOB_KINDS) {
      expect(kindOf(kind.slug)).toBe(kind);
      expect(kindOfArn(`arn:aws:comprehend:us-east-1:000000000001:${kind.arnType}/0`)).toBe(kind);
    }
    expect(kindOf("constructor")).toBeUndefined();
    expect(kindOf(undefined)).toBeUndefined();
  });

  it("have commands of their own operation, and no Stop where AWS has none", () => {
    for (const kind of JOB_KINDS) {
      expect(kind.Describe.name).toBe(`Describe${kind.operation}JobCommand`);
      expect(kind.List.name).toBe(`List${kind.operation}JobsCommand`);
      expect(kind.Start.name).toBe(`Start${kind.operation}JobCommand`);
      const hasNone = kind.slug === "topics" || kind.slug === "classification";
      expect(kind.Stop?.name).toBe(hasNone ? undefined : `Stop${kind.operation}JobCommand`);
    }
  });

  it("have another label for the caller's own recognizer, and quote ids in addresses", () => {
    const [entities] = JOB_KINDS;
    if (entities === undefined) throw new Error("there are no kinds");
    expect(typeLabel(entities, {})).toBe("Entities");
    expect(typeLabel(entities, { EntityRecognizerArn: "arn" })).toBe("Custom entity recognition");
    expect(jobPath(entities, "../x")).toBe("/jobs/entities/..%2Fx");
  });
});

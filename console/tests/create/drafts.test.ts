import { describe, expect, it } from "vitest";
import { fieldOfError } from "../../src/create/apiErrors";
import { EMPTY_DRAFT } from "../../src/create/draft";
import { copyName, draftFromJob, outputPlace } from "../../src/create/fromJob";
import { copiedJob, isLeft, startDraft } from "../../src/create/startDraft";
import { kindOf } from "../../src/jobs/kinds";

describe("a copy of a job", () => {
  it("has every property that the API returns", () => {
    const kind = kindOf("entities");
    if (kind === undefined) throw new Error("no kind entities");
    const job = {
      JobName: "speeches",
      InputDataConfig: { S3Uri: "s3://b/in/", InputFormat: "ONE_DOC_PER_FILE" as const },
      OutputDataConfig: { S3Uri: "s3://b/out/000000000001-NER-0a1b2c/output/output.tar.gz" },
      LanguageCode: "de",
      DataAccessRoleArn: "arn:aws:iam::000000000001:role/reader",
      VpcConfig: { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] },
    };
    expect(draftFromJob(kind, job, [{ Key: "k", Value: "v" }])).toEqual({
      ...EMPTY_DRAFT,
      name: "speeches-copy",
      language: "de",
      input: "s3://b/in/",
      lookedAt: "s3://b/in/",
      inputFormat: "ONE_DOC_PER_FILE",
      output: "s3://b/out/",
      roleArn: "arn:aws:iam::000000000001:role/reader",
      vpc: { vpc: "", subnets: ["subnet-1"], groups: ["sg-1"] },
      tags: [{ Key: "k", Value: "v" }],
    });
    expect(draftFromJob(kind, { ...job, EntityRecognizerArn: "arn" }, []).type).toBe("custom-entities");
  });

  it("of personal data has its redaction, and its network from the tag", () => {
    const pii = kindOf("pii");
    if (pii === undefined) throw new Error("no such kind");
    const job = {
      OutputDataConfig: { S3Uri: "s3://b/000000000001-PII-0a/output/" },
      Mode: "ONLY_REDACTION",
      RedactionConfig: { PiiEntityTypes: ["ALL" as const], MaskMode: "MASK" as const, MaskCharacter: "#" },
    };
    const tags = [
      { Key: "reading-room:vpc", Value: "subnet-1 sg-1" },
      { Key: "k", Value: "v" },
    ];
    expect(draftFromJob(pii, job, tags)).toMatchObject({
      output: "s3://b/",
      vpc: { vpc: "", subnets: ["subnet-1"], groups: ["sg-1"] },
      redaction: { mode: "ONLY_REDACTION", maskMode: "MASK", character: "#", types: [] },
      tags: [{ Key: "k", Value: "v" }],
    });
  });

  it("of events has the types that it looked for", () => {
    const events = kindOf("events");
    if (events === undefined) throw new Error("no such kind");
    const job = { OutputDataConfig: { S3Uri: "s3://b/000000000001-EVENTS-0a/output/" }, TargetEventTypes: ["IPO"] };
    expect(draftFromJob(events, job, [])).toMatchObject({ output: "s3://b/", eventTypes: ["IPO"] });
  });

  it.each([
    ["s3://b/000000000001-TOPICS-0a/output/output.tar.gz", "s3://b/"],
    ["s3://b/x/000000000001-CLN-0a/output/output.tar.gz", "s3://b/x/"],
    ["s3://b/mine/output.tar.gz", "s3://b/mine/output.tar.gz"],
  ])("writes where the job was told to: %s", (uri, place) => {
    expect(outputPlace(uri)).toBe(place);
  });

  it("is named after its job", () => {
    expect(copyName(undefined)).toBe("");
    expect(copyName("a-copy")).toBe("a-copy-2");
    expect(copyName("a-copy-9")).toBe("a-copy-10");
    expect(copyName("n".repeat(255))).toHaveLength(255);
  });
});

describe("the form at its start", () => {
  const start = (query: string, kept = EMPTY_DRAFT) => startDraft(kept, new URLSearchParams(query));

  it("keeps its values and gets the new VPC", () => {
    const kept = { ...EMPTY_DRAFT, name: "mine" };
    expect(start("vpc=vpc-1&subnets=subnet-1,subnet-2&groups=sg-1", kept)).toEqual({
      ...kept,
      vpc: { vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"], groups: ["sg-1"] },
    });
    expect(startDraft(undefined, new URLSearchParams())).toBe(EMPTY_DRAFT);
  });

  it("accepts a model and an input, and nothing else", () => {
    expect(start("model=arn:aws:comprehend:us-east-1:000000000001:entity-recognizer/a").type).toBe("custom-entities");
    expect(start("model=evil&input=javascript:1")).toEqual(EMPTY_DRAFT);
    expect(start("input=s3://bucket/x").input).toBe("s3://bucket/x");
  });

  it("knows which job is copied", () => {
    expect(copiedJob(new URLSearchParams("copy=entities/0a1b"))).toEqual({ slug: "entities", id: "0a1b" });
    for (const query of ["", "copy=", "copy=entities", "copy=a/b/c"]) {
      expect(copiedJob(new URLSearchParams(query))).toBeUndefined();
    }
  });
});

describe("an error of the API", () => {
  it.each([
    ["INVALID_S3_URI: InputDataConfig.S3Uri has a key of 2000 bytes", "input"],
    ["INVALID_S3_URI: OutputDataConfig.S3Uri, completed with the job's own path, has a key", "output"],
    ["KMS_KEY_NOT_FOUND: OutputDataConfig.KmsKeyId 'x' names no key", "outputKey"],
    ["KMS_KEY_NOT_FOUND: VolumeKmsKeyId 'x' names no key", "volumeKey"],
    ["1 validation error detected: Value at 'inputDataConfig.s3Uri' failed to satisfy constraint", "input"],
    ["DUPLICATE_ID: VpcConfig.Subnets has 'subnet-1' more than once.", "subnets"],
    ["INVALID_ROLE: DataAccessRoleArn arn is not a role of the caller's account", "role"],
    ["INVALID_TAG: Tag 'reading-room:containers' has the value '3', but topics runs in one container", "tags"],
    ["User: x is not authorized to perform: iam:PassRole on resource: y", "role"],
    ["RESOURCE_NOT_FOUND: Could not find specified resource.", "model"],
  ])("is shown beside the field that %j names", (message, field) => {
    expect(fieldOfError(new Error(message))).toEqual({ [field]: message });
  });

  it("that names no field is shown for the form", () => {
    expect(fieldOfError(new Error("RATE_EXCEEDED: StartX may be called 1 times a second."))).toBeUndefined();
  });
});

it("only a job's form that was left half filled in says so", () => {
  const here = new URLSearchParams();
  expect(isLeft(undefined, here)).toBe(false);
  expect(isLeft(EMPTY_DRAFT, here)).toBe(false);
  expect(isLeft({ ...EMPTY_DRAFT, input: "s3://papers/" }, here)).toBe(true);
  expect(isLeft({ ...EMPTY_DRAFT, input: "s3://papers/" }, new URLSearchParams("vpc=vpc-1"))).toBe(false);
});

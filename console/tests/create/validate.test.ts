import { describe, expect, it } from "vitest";
import { ANALYSIS_TYPES, type AnalysisType, analysisType } from "../../src/create/analysisTypes";
import { type Draft, EMPTY_DRAFT } from "../../src/create/draft";
import { NO_REDACTION } from "../../src/create/redaction";
import { buildRequest } from "../../src/create/request";
import { validateDraft } from "../../src/create/validate";

const ROLE = "arn:aws:iam::000000000001:role/reader";
const COMPLETE: Draft = { ...EMPTY_DRAFT, input: "s3://bucket/in/", output: "s3://bucket/out/", roleArn: ROLE };

function type(id: string): AnalysisType {
  const found = analysisType(id);
  if (found === undefined) throw new Error(`no analysis type ${id}`);
  return found;
}

const errors = (change: Partial<Draft>, id = "entities") => validateDraft({ ...COMPLETE, ...change }, type(id));

describe("analysis types", () => {
  it("are all kinds of jobs, entities twice, the custom ones last", () => {
    expect(ANALYSIS_TYPES.map(({ id }) => id)).toEqual([
      "entities",
      "key-phrases",
      "dominant-language",
      "sentiment",
      "targeted-sentiment",
      "topics",
      "pii",
      "events",
      "custom-entities",
      "classification",
    ]);
    expect(type("custom-entities").operation).toBe("StartEntitiesDetectionJob");
  });
});

describe("a draft", () => {
  it("that is complete has no errors", () => {
    for (const each of ANALYSIS_TYPES) {
      const modelArn =
        each.model === undefined ? "" : "arn:aws:comprehend:us-east-1:000000000001:document-classifier/a";
      expect(validateDraft({ ...COMPLETE, modelArn }, each)).toEqual({});
    }
  });

  it("that is empty names what is missing", () => {
    expect(Object.keys(validateDraft(EMPTY_DRAFT, type("classification"))).sort()).toEqual([
      "input",
      "model",
      "output",
      "role",
    ]);
  });

  it.each([
    [{ name: "n".repeat(257) }, "name"],
    [{ name: "<script>" }, "name"],
    [{ input: "bucket/in" }, "input"],
    [{ input: "s3://B/in" }, "input"],
    [{ input: " s3://bucket/in" }, "input"],
    [{ input: `s3://bucket/${"k".repeat(1020)}` }, "input"],
    [{ input: `s3://bucket/${"語".repeat(400)}` }, "input"],
    [{ output: "" }, "output"],
    [{ roleArn: "reader" }, "role"],
    [{ language: "nl" }, "language"],
    [{ volumeKey: { on: true, keyId: "" } }, "volumeKey"],
    [{ outputKey: { on: true, keyId: "schlüssel" } }, "outputKey"],
    [{ tags: [{ Key: "aws:x", Value: "" }] }, "tags"],
    [{ vpc: { vpc: "vpc-1", subnets: [], groups: ["sg-1"] } }, "subnets"],
    [{ vpc: { vpc: "vpc-1", subnets: ["subnet-1"], groups: [] } }, "groups"],
  ] as [Partial<Draft>, string][])("with %j has an error at %s alone", (change, field) => {
    expect(Object.keys(errors(change))).toEqual([field]);
  });

  it.each(["0", "101", "1.5", "", "ten", "1e2"])("refuses %j topics, for topics only", (topics) => {
    expect(errors({ topics }, "topics")).toHaveProperty("topics");
    expect(errors({ topics }, "entities")).toEqual({});
  });
});

describe("a request", () => {
  it("has only the members of its operation", () => {
    const draft = { ...COMPLETE, name: "n", modelArn: "arn", tags: [{ Key: "k", Value: "" }] };
    const members = (id: string) => Object.keys(buildRequest(draft, type(id)));
    const common = ["JobName", "InputDataConfig", "OutputDataConfig", "DataAccessRoleArn"];
    expect(members("sentiment")).toEqual([...common, "LanguageCode", "Tags"]);
    expect(members("dominant-language")).toEqual([...common, "Tags"]);
    expect(members("topics")).toEqual([...common, "NumberOfTopics", "Tags"]);
    expect(members("classification")).toEqual([...common, "DocumentClassifierArn", "Tags"]);
    expect(members("custom-entities")).toEqual([...common, "LanguageCode", "EntityRecognizerArn", "Tags"]);
  });

  it("leaves out what is empty, and the VPC's own id", () => {
    expect(buildRequest(COMPLETE, type("topics"))).toEqual({
      InputDataConfig: { S3Uri: "s3://bucket/in/", InputFormat: "ONE_DOC_PER_LINE" },
      OutputDataConfig: { S3Uri: "s3://bucket/out/" },
      DataAccessRoleArn: ROLE,
      NumberOfTopics: 10,
    });
    const vpc = { vpc: "vpc-1", subnets: ["subnet-1"], groups: ["sg-1"], tenancy: "default" };
    expect(buildRequest({ ...COMPLETE, vpc }, type("topics"))["VpcConfig"]).toEqual({
      Subnets: ["subnet-1"],
      SecurityGroupIds: ["sg-1"],
    });
  });

  it("asks for the chosen types of events, and for all where none is chosen", () => {
    const types = (eventTypes: readonly string[]) =>
      buildRequest({ ...COMPLETE, eventTypes }, type("events"))["TargetEventTypes"];
    expect(types(["IPO"])).toEqual(["IPO"]);
    expect(types([])).toHaveLength(11);
  });

  it("names the network of a job for personal data by a tag, and has its redaction", () => {
    const vpc = { vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"], groups: ["sg-1"] };
    const draft = { ...COMPLETE, vpc, tags: [{ Key: "team", Value: "a" }] };
    expect(buildRequest(draft, type("pii"))).toMatchObject({
      Mode: "ONLY_OFFSETS",
      Tags: [
        { Key: "team", Value: "a" },
        { Key: "reading-room:vpc", Value: "subnet-1 subnet-2 sg-1" },
      ],
    });
    expect(buildRequest(draft, type("pii"))).not.toHaveProperty("VpcConfig");
    expect(buildRequest(draft, type("pii"))).not.toHaveProperty("RedactionConfig");
    const masked = { ...draft, redaction: { ...NO_REDACTION, mode: "ONLY_REDACTION", types: ["NAME"] } as const };
    expect(buildRequest(masked, type("pii"))).toMatchObject({
      Mode: "ONLY_REDACTION",
      RedactionConfig: { PiiEntityTypes: ["NAME"], MaskMode: "MASK", MaskCharacter: "*" },
    });
    const named = {
      ...masked,
      redaction: { ...masked.redaction, maskMode: "REPLACE_WITH_PII_ENTITY_TYPE", types: [] },
    };
    expect(buildRequest(named as Draft, type("pii"))["RedactionConfig"]).toEqual({
      PiiEntityTypes: ["ALL"],
      MaskMode: "REPLACE_WITH_PII_ENTITY_TYPE",
    });
    const subnets = Array.from({ length: 11 }, (_, index) => `subnet-0123456789abcdef${index % 10}${index}`);
    expect(Object.keys(errors({ vpc: { ...vpc, subnets } }, "pii"))).toEqual(["subnets"]);
    expect(errors({ vpc: { ...vpc, subnets } })).toEqual({});
  });

  it("has keys only if encryption is on", () => {
    const off = { on: false, keyId: "abc" };
    const on = { on: true, keyId: "abc" };
    expect(buildRequest({ ...COMPLETE, volumeKey: off, outputKey: off }, type("topics"))).not.toHaveProperty(
      "VolumeKmsKeyId",
    );
    const request = buildRequest({ ...COMPLETE, volumeKey: on, outputKey: on }, type("topics"));
    expect(request).toMatchObject({ VolumeKmsKeyId: "abc", OutputDataConfig: { KmsKeyId: "abc" } });
  });
});

import { describe, expect, it } from "vitest";
import type { Check } from "../../src/create/parts/preflight";
import { problemsOf, tagsProblem } from "../../src/jobs/again/problems";
import { requestAgain, withChoices } from "../../src/jobs/again/request";
import { type JobKind, kindOf } from "../../src/jobs/kinds";

function kind(slug: string): JobKind {
  const found = kindOf(slug);
  if (found === undefined) throw new Error(`no kind ${slug}`);
  return found;
}

const CLASSIFIER = "arn:aws:comprehend:us-east-1:000000000001:document-classifier/tickets/version/v1";
const JOB = {
  JobId: "1",
  JobArn: "arn",
  JobName: "speeches",
  JobStatus: "COMPLETED" as const,
  Message: "1 of 2 documents failed",
  InputDataConfig: {
    S3Uri: "s3://b/in/",
    InputFormat: "ONE_DOC_PER_FILE" as const,
    DocumentReaderConfig: { DocumentReadAction: "TEXTRACT_DETECT_DOCUMENT_TEXT" as const },
  },
  OutputDataConfig: { S3Uri: "s3://b/out/000000000001-NER-0a1b2c/output/output.tar.gz" },
  LanguageCode: "de",
  DataAccessRoleArn: "arn:aws:iam::000000000001:role/reader",
  VpcConfig: { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] },
};
const check = (Name: string, Message: string, Status = "FAILED"): Check => ({ Name, Status, Message });

describe("the request that runs a job again", () => {
  it("has what was requested, with the job's tags, and writes where the job was told to", () => {
    expect(requestAgain(kind("entities"), JOB, [{ Key: "k", Value: "v" }])).toEqual({
      JobName: "speeches-copy",
      InputDataConfig: JOB.InputDataConfig,
      OutputDataConfig: { S3Uri: "s3://b/out/" },
      LanguageCode: "de",
      DataAccessRoleArn: JOB.DataAccessRoleArn,
      VpcConfig: JOB.VpcConfig,
      Tags: [{ Key: "k", Value: "v" }],
    });
  });

  it("names the flywheel of a job, rather than the model that was active then", () => {
    const of = kind("classification");
    const job = { ...JOB, DocumentClassifierArn: CLASSIFIER };
    expect(requestAgain(of, job, [])).toMatchObject({ DocumentClassifierArn: CLASSIFIER });
    const again = requestAgain(of, { ...job, FlywheelArn: "flywheel" }, []);
    expect(again).toMatchObject({ FlywheelArn: "flywheel" });
    expect(again).not.toHaveProperty("DocumentClassifierArn");
    expect(withChoices(of, again, { model: { arn: "other", language: "en" } })).not.toHaveProperty("FlywheelArn");
  });

  it("takes what was chosen anew: a model with its language, a network, a role", () => {
    const of = kind("entities");
    const network = { vpc: "vpc-2", subnets: ["subnet-2"], groups: ["sg-2"] };
    const request = requestAgain(of, { ...JOB, EntityRecognizerArn: "gone" }, []);
    expect(withChoices(of, request, { model: { arn: "new", language: "en" }, network, role: "other" })).toMatchObject({
      EntityRecognizerArn: "new",
      LanguageCode: "en",
      VpcConfig: { Subnets: ["subnet-2"], SecurityGroupIds: ["sg-2"] },
      DataAccessRoleArn: "other",
    });
    expect(withChoices(of, request, {})).toBe(request);
  });

  it("has the network in a tag if the kind has no VpcConfig", () => {
    const of = kind("pii");
    const tags = [
      { Key: "reading-room:vpc", Value: "subnet-1 sg-1" },
      { Key: "k", Value: "v" },
    ];
    const request = requestAgain(of, { OutputDataConfig: JOB.OutputDataConfig }, tags);
    const network = { vpc: "vpc-2", subnets: ["subnet-2"], groups: ["sg-2"] };
    expect(withChoices(of, request, { network }).Tags).toEqual([
      { Key: "k", Value: "v" },
      { Key: "reading-room:vpc", Value: "subnet-2 sg-2" },
    ]);
  });
});

describe("a job that cannot run again as it was", () => {
  const of = kind("classification");
  const job = { ...JOB, DocumentClassifierArn: CLASSIFIER };
  const asked = (...checks: Check[]) => problemsOf(of, job, checks).map((problem) => problem.asked);

  it("names the model that is gone, and asks for another one", () => {
    const message = "StartDocumentClassificationJob would return ResourceNotFoundException: RESOURCE_NOT_FOUND: gone";
    expect(problemsOf(of, job, [check("Request", message)])).toEqual([
      { title: "Its model tickets/v1 cannot be used any more", message, asked: "model" },
    ]);
  });

  it("asks for a network or a role if these are gone", () => {
    expect(asked(check("Network", "subnet-1 does not exist"), check("Role", "no such role"))).toEqual([
      "network",
      "role",
    ]);
  });

  it("explains everything else with what to change, and asks nothing about it", () => {
    const input = { ...check("Input", "no object"), Remedy: "Upload one." };
    expect(problemsOf(of, job, [input, check("Addresses", "fine", "PASSED")])).toEqual([
      { title: "Input", message: "no object", remedy: "Upload one." },
    ]);
  });

  it("has lost its network with its tags, if that is where the network was", () => {
    expect(tagsProblem(kind("pii")).asked).toBe("network");
    expect(tagsProblem(kind("entities")).asked).toBeUndefined();
  });
});

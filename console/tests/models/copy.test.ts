import { afterEach, expect, test } from "vitest";
import { emptyClassifier, keptClassifier } from "../../src/models/classifierDraft";
import { classifierDraftOf, recognizerDraftOf } from "../../src/models/fromModel";
import { copyPath, ofClassifier, ofRecognizer } from "../../src/models/model";
import { isLeft } from "../../src/models/startDraft";

const ARN = "arn:aws:comprehend:us-east-1:000000000001:document-classifier/tickets";
const failed = ofClassifier({
  DocumentClassifierArn: ARN,
  Status: "IN_ERROR",
  LanguageCode: "de",
  Mode: "MULTI_LABEL",
  DataAccessRoleArn: "arn:aws:iam::000000000001:role/reader",
  InputDataConfig: { S3Uri: "s3://papers/rows.csv", TestS3Uri: "s3://papers/test.csv", LabelDelimiter: "~" },
  OutputDataConfig: { S3Uri: `s3://papers/out/000000000001-CLR-${"a".repeat(32)}/output/output.tar.gz` },
  VpcConfig: { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] },
});

afterEach(() => keptClassifier.drop());

test("a failed training can be repeated from the form as it was", () => {
  expect(copyPath(failed)).toBe(`/models/create-classifier?copy=${encodeURIComponent(ARN)}`);
  expect(classifierDraftOf(failed)).toMatchObject({
    name: "tickets-copy",
    language: "de",
    mode: "MULTI_LABEL",
    delimiter: "~",
    training: "s3://papers/rows.csv",
    ownTest: true,
    test: "s3://papers/test.csv",
    output: "s3://papers/out/",
    roleArn: "arn:aws:iam::000000000001:role/reader",
    vpc: { vpc: "", subnets: ["subnet-1"], groups: ["sg-1"] },
  });
});

test("a version is copied as another version of its name", () => {
  const version = ofClassifier({ DocumentClassifierArn: `${ARN}/version/v1`, VersionName: "v1" });
  expect(classifierDraftOf(version)).toMatchObject({ name: "tickets", version: "v1-copy" });
});

test("a recognizer is copied with its types and files", () => {
  const model = ofRecognizer({
    EntityRecognizerArn: "arn:aws:comprehend:us-east-1:000000000001:entity-recognizer/parts",
    InputDataConfig: {
      EntityTypes: [{ Type: "PART" }, { Type: "TOOL" }],
      Documents: { S3Uri: "s3://papers/docs.txt", InputFormat: "ONE_DOC_PER_FILE" },
      EntityList: { S3Uri: "s3://papers/list.csv" },
    },
  });
  expect(recognizerDraftOf(model)).toMatchObject({
    types: ["PART", "TOOL"],
    labels: "list",
    documents: "s3://papers/docs.txt",
    inputFormat: "ONE_DOC_PER_FILE",
    list: "s3://papers/list.csv",
    ownTest: false,
  });
});

test("a form left half filled in is distinguished from an empty one, and from one that the user returns to", () => {
  const here = new URLSearchParams();
  expect(isLeft(keptClassifier, emptyClassifier, here)).toBe(false);
  keptClassifier.keep(emptyClassifier());
  expect(isLeft(keptClassifier, emptyClassifier, here)).toBe(false);
  keptClassifier.keep({ ...emptyClassifier(), name: "tickets" });
  expect(isLeft(keptClassifier, emptyClassifier, here)).toBe(true);
  expect(isLeft(keptClassifier, emptyClassifier, new URLSearchParams("vpc=vpc-1&subnets=a&groups=b"))).toBe(false);
  expect(isLeft(keptClassifier, emptyClassifier, new URLSearchParams("copy=x"))).toBe(false);
});

import { beforeEach, describe, expect, it } from "vitest";
import {
  type ClassifierDraft,
  classifierPlaces,
  classifierProblems,
  classifierRequest,
  DELIMITERS,
  emptyClassifier,
  keptClassifier,
} from "../../src/models/classifierDraft";
import {
  emptyRecognizer,
  type RecognizerDraft,
  recognizerPlaces,
  recognizerProblems,
  recognizerRequest,
} from "../../src/models/recognizerDraft";
import { startDraft } from "../../src/models/startDraft";
import { hasProblems, newManifest } from "../../src/models/training";
import { waitingFor } from "../../src/models/waiting";
import { signOut } from "../../src/session/session";

const ROLE = "arn:aws:iam::000000000001:role/reader";

const classifier = (change: Partial<ClassifierDraft> = {}): ClassifierDraft => ({
  ...emptyClassifier(),
  name: "tickets",
  roleArn: ROLE,
  training: "s3://library/tickets.csv",
  ...change,
});

const recognizer = (change: Partial<RecognizerDraft> = {}): RecognizerDraft => ({
  ...emptyRecognizer(),
  name: "engineers",
  roleArn: ROLE,
  types: ["ENGINEER"],
  documents: "s3://library/reports.txt",
  annotations: "s3://library/annotations.csv",
  ...change,
});

describe("a classifier's request", () => {
  it("has what is required and nothing more", () => {
    const draft = classifier();
    expect(hasProblems(classifierProblems(draft))).toBe(false);
    expect(classifierRequest(draft)).toEqual({
      DocumentClassifierName: "tickets",
      Mode: "MULTI_CLASS",
      InputDataConfig: { DataFormat: "COMPREHEND_CSV", S3Uri: "s3://library/tickets.csv" },
      LanguageCode: "en",
      DataAccessRoleArn: ROLE,
    });
  });

  it("has every field that was filled in", () => {
    const request = classifierRequest(
      classifier({
        version: "v1",
        language: "de",
        mode: "MULTI_LABEL",
        delimiter: ";",
        ownTest: true,
        test: "s3://library/test.csv",
        output: "s3://library/models",
        outputKey: { on: true, keyId: "alias/a" },
        modelKey: { on: true, keyId: "m" },
        volumeKey: { on: true, keyId: "v" },
        vpc: { vpc: "vpc-1", subnets: ["subnet-1"], groups: ["sg-1"] },
        tags: [{ Key: "team", Value: "x" }],
        policy: ' {"a":1} ',
      }),
    );
    expect(request).toEqual({
      DocumentClassifierName: "tickets",
      VersionName: "v1",
      Mode: "MULTI_LABEL",
      InputDataConfig: {
        DataFormat: "COMPREHEND_CSV",
        S3Uri: "s3://library/tickets.csv",
        TestS3Uri: "s3://library/test.csv",
        LabelDelimiter: ";",
      },
      OutputDataConfig: { S3Uri: "s3://library/models", KmsKeyId: "alias/a" },
      LanguageCode: "de",
      DataAccessRoleArn: ROLE,
      ModelKmsKeyId: "m",
      VolumeKmsKeyId: "v",
      VpcConfig: { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] },
      Tags: [{ Key: "team", Value: "x" }],
      ModelPolicy: '{"a":1}',
    });
  });

  it("leaves out values of a choice that was undone", () => {
    const draft = classifier({ delimiter: ";", test: "s3://library/test.csv", outputKey: { on: true, keyId: "k" } });
    expect(classifierRequest(draft).InputDataConfig).not.toHaveProperty("LabelDelimiter");
    expect(classifierRequest(draft).InputDataConfig).not.toHaveProperty("TestS3Uri");
    expect(classifierRequest(draft)).not.toHaveProperty("OutputDataConfig");
  });

  it("names manifests instead of a file", () => {
    const manifest = { ...newManifest(), uri: "s3://library/m.jsonl", attributes: "labels, chained-labels" };
    const test = { ...newManifest(), uri: "s3://library/t.jsonl", attributes: "labels", split: "TEST" as const };
    const draft = classifier({ dataFormat: "AUGMENTED_MANIFEST", manifests: [manifest, test], training: "" });
    expect(hasProblems(classifierProblems(draft))).toBe(false);
    expect(classifierRequest(draft).InputDataConfig).toEqual({
      DataFormat: "AUGMENTED_MANIFEST",
      AugmentedManifests: [
        { S3Uri: "s3://library/m.jsonl", AttributeNames: ["labels", "chained-labels"] },
        { S3Uri: "s3://library/t.jsonl", AttributeNames: ["labels"], Split: "TEST" },
      ],
    });
    expect(classifierPlaces(draft).inputs).toEqual(["s3://library/m.jsonl", "s3://library/t.jsonl"]);
  });

  it("offers only delimiters that the API accepts", () => {
    for (const delimiter of DELIMITERS) expect(delimiter).toMatch(/^[ ~!@#$%^*\-_+=|\\:;\t>?/]$/);
    expect(new Set(DELIMITERS).size).toBe(21);
  });
});

describe("what is wrong with a classifier's form", () => {
  it.each([
    [{ name: "" }, "name"],
    [{ name: "-x" }, "name"],
    [{ name: "x".repeat(64) }, "name"],
    [{ version: "v_1" }, "version"],
    [{ training: "tickets.csv" }, "training"],
    [{ ownTest: true }, "test"],
    [{ output: "s3://X" }, "output"],
    [{ roleArn: "reader" }, "role"],
    [{ vpc: { vpc: "vpc-1", subnets: [], groups: ["sg-1"] } }, "subnets"],
    [{ vpc: { vpc: "vpc-1", subnets: ["subnet-1"], groups: [] } }, "groups"],
    [{ policy: "{" }, "policy"],
    [{ tags: [{ Key: "", Value: "" }] }, "tags"],
    [{ dataFormat: "AUGMENTED_MANIFEST" as const, manifests: [] }, "manifests"],
  ] satisfies [Partial<ClassifierDraft>, string][])("%j is reported at %s", (change, field) => {
    const wrong = Object.entries(classifierProblems(classifier(change))).filter(([, problem]) => problem !== undefined);
    expect(wrong.map(([name]) => name)).toContain(field);
    expect(waitingFor(classifierProblems(classifier(change)))).toMatch(/^Fill in or correct: /);
  });

  it("is listed by manifest", () => {
    const manifest = { ...newManifest(), uri: "s3://library/m.jsonl", attributes: "no_underscores" };
    const problems = classifierProblems(classifier({ dataFormat: "AUGMENTED_MANIFEST", manifests: [manifest] }));
    expect(problems[`manifest-${manifest.id}-attributes`]).toMatch(/no_underscores/);
    expect(waitingFor(problems)).toBe("Fill in or correct: augmented manifests.");
  });
});

describe("a recognizer's request", () => {
  it("has documents and annotations", () => {
    expect(hasProblems(recognizerProblems(recognizer()))).toBe(false);
    expect(recognizerRequest(recognizer())).toEqual({
      RecognizerName: "engineers",
      LanguageCode: "en",
      DataAccessRoleArn: ROLE,
      InputDataConfig: {
        DataFormat: "COMPREHEND_CSV",
        EntityTypes: [{ Type: "ENGINEER" }],
        Documents: { S3Uri: "s3://library/reports.txt", InputFormat: "ONE_DOC_PER_LINE" },
        Annotations: { S3Uri: "s3://library/annotations.csv" },
      },
    });
  });

  it("has test documents together with their annotations, or neither", () => {
    const test = { ownTest: true, testDocuments: "s3://library/t.txt", testAnnotations: "s3://library/t.csv" };
    const { InputDataConfig } = recognizerRequest(recognizer(test));
    expect(InputDataConfig).toMatchObject({
      Documents: { TestS3Uri: "s3://library/t.txt" },
      Annotations: { TestS3Uri: "s3://library/t.csv" },
    });
    const list = recognizer({ ...test, labels: "list", list: "s3://library/list.csv" });
    expect(JSON.stringify(recognizerRequest(list))).not.toContain("TestS3Uri");
    expect(recognizerPlaces(list).inputs).toEqual(["s3://library/reports.txt", "s3://library/list.csv"]);
  });

  it("has an entity list instead of annotations", () => {
    const draft = recognizer({ labels: "list", list: "s3://library/list.csv", annotations: "" });
    expect(hasProblems(recognizerProblems(draft))).toBe(false);
    expect(recognizerRequest(draft).InputDataConfig).toMatchObject({ EntityList: { S3Uri: "s3://library/list.csv" } });
    expect(recognizerRequest(draft).InputDataConfig).not.toHaveProperty("Annotations");
  });
});

describe("what is wrong with a recognizer's types", () => {
  it.each([[[]], [[""]], [["A", "A"]], [["A,B"]], [["x".repeat(65)]], [Array.from({ length: 26 }, (_, n) => `T${n}`)]])(
    "%j is reported",
    (types) => {
      expect(waitingFor(recognizerProblems(recognizer({ types })))).toBe("Fill in or correct: custom entity types.");
    },
  );
});

describe("a form that was left", () => {
  beforeEach(() => keptClassifier.drop());

  it("is restored, with the VPC that was created in the meantime", () => {
    keptClassifier.keep(classifier());
    const parameters = new URLSearchParams("vpc=vpc-1&subnets=subnet-1,subnet-2&groups=sg-1");
    const draft = startDraft(keptClassifier, emptyClassifier, parameters);
    expect(draft.training).toBe("s3://library/tickets.csv");
    expect(draft.vpc).toEqual({ vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"], groups: ["sg-1"] });
  });

  it("is discarded when it is sent, and with the session", () => {
    keptClassifier.keep(classifier());
    keptClassifier.drop();
    expect(startDraft(keptClassifier, emptyClassifier, new URLSearchParams()).name).toBe("");
    keptClassifier.keep(classifier());
    signOut("requested");
    expect(startDraft(keptClassifier, emptyClassifier, new URLSearchParams()).name).toBe("");
  });

  it("starts with the name of the model for a new version", () => {
    expect(startDraft(keptClassifier, emptyClassifier, new URLSearchParams("name=tickets")).name).toBe("tickets");
  });
});

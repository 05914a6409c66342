import { expect, it } from "vitest";
import { datasetProblems, datasetRequest, emptyDataset } from "../../src/flywheels/datasetDraft";
import { emptyFlywheel, flywheelProblems, flywheelRequest } from "../../src/flywheels/flywheelDraft";
import { hasProblems } from "../../src/models/training";
import { ARN, FIRST } from "./world";

const ROLE = "arn:aws:iam::000000000001:role/reader";
const FLYWHEEL = { ...emptyFlywheel(), name: "mail", lake: "s3://library/lake/", roleArn: ROLE };
const CLASSIFIER = { kind: "classifier", mode: "MULTI_CLASS" } as const;
const RECOGNIZER = { kind: "recognizer", mode: undefined } as const;

it("a flywheel for a new model has the task of that model", () => {
  expect(hasProblems(flywheelProblems(FLYWHEEL))).toBe(false);
  expect(flywheelRequest(FLYWHEEL)).toEqual({
    FlywheelName: "mail",
    ModelType: "DOCUMENT_CLASSIFIER",
    TaskConfig: { LanguageCode: "en", DocumentClassificationConfig: { Mode: "MULTI_CLASS" } },
    DataLakeS3Uri: "s3://library/lake/",
    DataAccessRoleArn: ROLE,
  });
  const people = { ...FLYWHEEL, kind: "recognizer", types: [" ENGINEER "] } as const;
  expect(flywheelRequest(people)).toMatchObject({
    ModelType: "ENTITY_RECOGNIZER",
    TaskConfig: { EntityRecognitionConfig: { EntityTypes: [{ Type: "ENGINEER" }] } },
  });
  expect(flywheelProblems({ ...people, types: [""] })["type-0"]).toBeDefined();
});

it("a flywheel for a trained model has no task of its own, and needs the model", () => {
  const begun = { ...FLYWHEEL, beginning: "model" } as const;
  expect(flywheelProblems(begun)["model"]).toBe("Choose a model.");
  const request = flywheelRequest({ ...begun, model: FIRST });
  expect(request).toMatchObject({ ActiveModelArn: FIRST });
  expect(request).not.toHaveProperty("TaskConfig");
});

it("a flywheel with a network runs its jobs there", () => {
  const vpc = { vpc: "vpc-1", subnets: ["subnet-1"], groups: ["sg-1"] };
  expect(flywheelRequest({ ...FLYWHEEL, vpc })).toMatchObject({
    DataSecurityConfig: { VpcConfig: { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] } },
  });
});

it("a classifier's dataset is a file of rows; a delimiter matters only for several labels", () => {
  const draft = { ...emptyDataset(), name: "june", rows: "s3://library/rows.csv", delimiter: ";" };
  expect(hasProblems(datasetProblems(draft, CLASSIFIER))).toBe(false);
  expect(datasetRequest(ARN, draft, CLASSIFIER)).toEqual({
    FlywheelArn: ARN,
    DatasetName: "june",
    DatasetType: "TRAIN",
    InputDataConfig: {
      DataFormat: "COMPREHEND_CSV",
      DocumentClassifierInputDataConfig: { S3Uri: "s3://library/rows.csv" },
    },
  });
  const several = datasetRequest(ARN, draft, { kind: "classifier", mode: "MULTI_LABEL" });
  expect(several.InputDataConfig).toMatchObject({ DocumentClassifierInputDataConfig: { LabelDelimiter: ";" } });
});

it("a recognizer's dataset needs documents, and the places or the texts of its entities", () => {
  const draft = { ...emptyDataset(), name: "june", documents: "s3://library/texts/" };
  expect(datasetProblems(draft, RECOGNIZER)).toMatchObject({ documents: undefined, rows: undefined });
  expect(datasetProblems(draft, RECOGNIZER)["annotations"]).toBeDefined();
  const listed = { ...draft, labels: "list", list: "s3://library/list.csv", type: "TEST" } as const;
  expect(hasProblems(datasetProblems(listed, RECOGNIZER))).toBe(false);
  expect(datasetRequest(ARN, listed, RECOGNIZER)).toMatchObject({
    DatasetType: "TEST",
    InputDataConfig: {
      EntityRecognizerInputDataConfig: {
        Documents: { S3Uri: "s3://library/texts/", InputFormat: "ONE_DOC_PER_LINE" },
        EntityList: { S3Uri: "s3://library/list.csv" },
      },
    },
  });
});

it("a dataset of manifests names the attributes of each", () => {
  const empty = emptyDataset();
  const draft = { ...empty, name: "june", dataFormat: "AUGMENTED_MANIFEST" } as const;
  expect(hasProblems(datasetProblems(draft, CLASSIFIER))).toBe(true);
  const manifests = empty.manifests.map((each) => ({ ...each, uri: "s3://library/m.jsonl", attributes: "label" }));
  expect(hasProblems(datasetProblems({ ...draft, manifests }, CLASSIFIER))).toBe(false);
  expect(datasetRequest(ARN, { ...draft, manifests }, CLASSIFIER).InputDataConfig).toEqual({
    DataFormat: "AUGMENTED_MANIFEST",
    AugmentedManifests: [{ S3Uri: "s3://library/m.jsonl", AttributeNames: ["label"] }],
  });
});

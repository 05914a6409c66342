import { endpointOf } from "../../src/endpoints/endpoint";
import { datasetOf, flywheelOf, iterationOf } from "../../src/flywheels/flywheel";

const PREFIX = "arn:aws:comprehend:us-east-1:000000000001";
export const ARN = `${PREFIX}:flywheel/mail`;
export const FIRST = `${PREFIX}:document-classifier/mail/version/v1`;
export const SECOND = `${PREFIX}:document-classifier/mail/version/v2`;

/** A flywheel in the form of the API. */
export const SUMMARY = {
  FlywheelArn: ARN,
  ModelType: "DOCUMENT_CLASSIFIER",
  Status: "ACTIVE",
  DataLakeS3Uri: "s3://library/lake/mail/schemaVersion=1/20261201T000000Z/",
  ActiveModelArn: FIRST,
  LatestFlywheelIteration: "20261201T000100Z",
} as const;

export const DATASET = {
  DatasetArn: `${ARN}/dataset/june`,
  DatasetName: "june",
  DatasetType: "TRAIN",
  Status: "COMPLETED",
  NumberOfDocuments: 1200,
} as const;

export const ITERATION = {
  FlywheelArn: ARN,
  FlywheelIterationId: "20261201T000100Z",
  Status: "COMPLETED",
  CreationTime: new Date(0),
  EndTime: new Date(62_000),
  EvaluatedModelArn: FIRST,
  EvaluatedModelMetrics: { AverageF1Score: 0.8, AveragePrecision: 0.75, AverageRecall: 0.9, AverageAccuracy: 0.85 },
  TrainedModelArn: SECOND,
  TrainedModelMetrics: { AverageF1Score: 0.9, AveragePrecision: 0.95, AverageRecall: 0.9, AverageAccuracy: 0.8 },
} as const;

export const ENDPOINT = {
  EndpointArn: `${PREFIX}:document-classifier-endpoint/front-desk`,
  Status: "IN_SERVICE",
  ModelArn: FIRST,
  FlywheelArn: ARN,
} as const;

export const flywheel = (changes: object = {}) => flywheelOf({ ...SUMMARY, ...changes });
export const dataset = (changes: object = {}) => datasetOf({ ...DATASET, ...changes });
export const iteration = (changes: object = {}) => iterationOf({ ...ITERATION, ...changes });
export const endpoint = (changes: object = {}) => endpointOf({ ...ENDPOINT, ...changes });

import type {
  DatasetProperties,
  FlywheelIterationProperties,
  FlywheelModelEvaluationMetrics,
  FlywheelProperties,
  FlywheelSummary,
} from "@aws-sdk/client-comprehend";
import type { MetricPair } from "../models/compare/sides";
import type { ModelKindId } from "../models/kinds";

/** A flywheel, without the members that the console does not show. */
export interface Flywheel {
  readonly arn: string;
  readonly name: string;
  /** The type of its models, which never changes. */
  readonly kind: ModelKindId;
  readonly status: string;
  readonly message: string | undefined;
  /** The ARN of its active model. */
  readonly active: string | undefined;
  readonly lake: string;
  /** The id of its latest iteration. */
  readonly latest: string | undefined;
  readonly created: Date | undefined;
  readonly modified: Date | undefined;
  /** What Describe adds to a list's entry. */
  readonly properties?: FlywheelProperties;
}

export interface Dataset {
  readonly arn: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
  readonly message: string | undefined;
  readonly description: string | undefined;
  readonly place: string | undefined;
  readonly documents: number | undefined;
  readonly created: Date | undefined;
}

export interface Iteration {
  readonly id: string;
  readonly status: string;
  readonly message: string | undefined;
  readonly created: Date | undefined;
  readonly ended: Date | undefined;
  /** The ARN of the model that was active when it began. */
  readonly evaluated: string | undefined;
  readonly evaluatedMetrics: FlywheelModelEvaluationMetrics | undefined;
  /** The ARN of the new model. */
  readonly trained: string | undefined;
  readonly trainedMetrics: FlywheelModelEvaluationMetrics | undefined;
  /** Where the evaluation is in the data lake. */
  readonly place: string | undefined;
}

export function flywheelOf(summary: FlywheelSummary): Flywheel {
  const arn = summary.FlywheelArn ?? "";
  return {
    arn,
    name: parseFlywheelArn(arn) ?? arn,
    kind: summary.ModelType === "ENTITY_RECOGNIZER" ? "recognizer" : "classifier",
    status: summary.Status ?? "",
    message: summary.Message,
    active: summary.ActiveModelArn,
    lake: summary.DataLakeS3Uri ?? "",
    latest: summary.LatestFlywheelIteration,
    created: summary.CreationTime,
    modified: summary.LastModifiedTime,
  };
}

export function datasetOf(properties: DatasetProperties): Dataset {
  const arn = properties.DatasetArn ?? "";
  return {
    arn,
    name: properties.DatasetName ?? arn,
    type: properties.DatasetType ?? "",
    status: properties.Status ?? "",
    message: properties.Message,
    description: properties.Description,
    place: properties.DatasetS3Uri,
    documents: properties.NumberOfDocuments,
    created: properties.CreationTime,
  };
}

export function iterationOf(properties: FlywheelIterationProperties): Iteration {
  return {
    id: properties.FlywheelIterationId ?? "",
    status: properties.Status ?? "",
    message: properties.Message,
    created: properties.CreationTime,
    ended: properties.EndTime,
    evaluated: properties.EvaluatedModelArn,
    evaluatedMetrics: properties.EvaluatedModelMetrics,
    trained: properties.TrainedModelArn,
    trainedMetrics: properties.TrainedModelMetrics,
    place: properties.EvaluationManifestS3Prefix,
  };
}

const ARN = /^arn:aws(?:-[^:]+)?:comprehend:[a-zA-Z0-9-]*:[0-9]{12}:flywheel\/([a-zA-Z0-9](?:-*[a-zA-Z0-9])*)$/;

/** The name in a flywheel's ARN; `undefined` if it is the ARN of something else. */
export function parseFlywheelArn(arn: string): string | undefined {
  return ARN.exec(arn)?.[1];
}

/** The page of a flywheel. */
export function flywheelPath(arn: string): string {
  return `/flywheels/view?${new URLSearchParams({ arn })}`;
}

/** The form for a dataset of a flywheel. */
export function createDatasetPath(flywheel: string): string {
  return `/flywheels/create-dataset?${new URLSearchParams({ flywheel })}`;
}

export type Indicator = "pending" | "in-progress" | "success" | "error" | "stopped";

// The words of flywheels, datasets and iterations, which do not contradict each other.
const STATUS: Readonly<Record<string, readonly [Indicator, string]>> = {
  CREATING: ["in-progress", "Creating"],
  ACTIVE: ["success", "Active"],
  UPDATING: ["in-progress", "Updating"],
  DELETING: ["in-progress", "Deleting"],
  TRAINING: ["in-progress", "Training"],
  EVALUATING: ["in-progress", "Evaluating"],
  COMPLETED: ["success", "Completed"],
  FAILED: ["error", "Failed"],
  STOP_REQUESTED: ["pending", "Stop requested"],
  STOPPED: ["stopped", "Stopped"],
};

/** A status as it is shown; an unknown one is shown as it is. */
export function statusOf(status: string): { readonly type: Indicator; readonly label: string } {
  const [type, label] = STATUS[status] ?? ["pending", status];
  return { type, label };
}

/** Whether the status of a flywheel, a dataset or an iteration will still change by itself. */
export function isMoving({ status }: { readonly status: string }): boolean {
  return ["CREATING", "UPDATING", "DELETING", "TRAINING", "EVALUATING", "STOP_REQUESTED"].includes(status);
}

/** Why no iteration can start now; `undefined` if one can. */
export function whyNoIteration(
  flywheel: Flywheel,
  datasets: readonly Dataset[],
  iterations: readonly Iteration[],
): string | undefined {
  if (flywheel.status !== "ACTIVE") return "The flywheel is not active.";
  if (iterations.some(isMoving)) return "An iteration is running.";
  const usable = datasets.some(({ type, status }) => type === "TRAIN" && status === "COMPLETED");
  return usable ? undefined : "There is no training dataset that is completed.";
}

/** Whether the new model of an iteration can become the active one: it is trained, and is not active already. */
export function canActivate(flywheel: Flywheel, iteration: Iteration): boolean {
  const { trained, status } = iteration;
  return flywheel.status === "ACTIVE" && status === "COMPLETED" && trained !== undefined && trained !== flywheel.active;
}

type Metric = keyof FlywheelModelEvaluationMetrics;

const METRICS: Readonly<Record<ModelKindId, readonly (readonly [Metric, string, string])[]>> = {
  classifier: [
    ["AverageF1Score", "F1 score", "Precision and recall in one figure: the mean over the labels."],
    ["AveragePrecision", "Precision", "The share of predictions that are correct: the mean over the labels."],
    ["AverageRecall", "Recall", "The share of true labels that were predicted: the mean over the labels."],
    ["AverageAccuracy", "Accuracy", "The share of the texts' labels that were found."],
  ],
  recognizer: [
    ["AverageF1Score", "F1 score", "Precision and recall in one figure: the mean over the types."],
    ["AveragePrecision", "Precision", "The share of found entities that are correct: the mean over the types."],
    ["AverageRecall", "Recall", "The share of the texts' entities that were found: the mean over the types."],
    ["AverageAccuracy", "Accuracy", "Right entities, divided by all that were found or missed."],
  ],
};

/** The metrics of both models of an iteration, as shares of 1; none before it has evaluated them. */
export function metricPairs(kind: ModelKindId, iteration: Iteration): MetricPair[] {
  const { evaluatedMetrics: active, trainedMetrics: trained } = iteration;
  return METRICS[kind].flatMap(([member, name, meaning]) => {
    const [one, other] = [active?.[member], trained?.[member]];
    if (one === undefined && other === undefined) return [];
    return [{ name, meaning, one, other, lowerIsBetter: false }];
  });
}

/** The newest iteration with metrics. */
export function latestMeasured(iterations: readonly Iteration[]): Iteration | undefined {
  return iterations.find(({ trainedMetrics }) => trainedMetrics !== undefined);
}

import type { DocumentClassifierProperties, EntityRecognizerProperties } from "@aws-sdk/client-comprehend";
import type { JobProperties } from "../jobs/properties";
import { parseModelArn } from "./arn";
import { MODEL_KINDS, type ModelKindId } from "./kinds";

/** A custom model of either type: the common properties, and the properties as the API returned them. */
export interface Model {
  readonly kind: ModelKindId;
  readonly arn: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly status: string;
  readonly message: string | undefined;
  readonly language: string | undefined;
  readonly submitted: Date | undefined;
  readonly ended: Date | undefined;
  readonly trainingStarted: Date | undefined;
  readonly trainingEnded: Date | undefined;
  readonly role: string | undefined;
  readonly source: string | undefined;
  readonly subnets: readonly string[];
  readonly groups: readonly string[];
  readonly classifier?: DocumentClassifierProperties;
  readonly recognizer?: EntityRecognizerProperties;
}

export function ofClassifier(properties: DocumentClassifierProperties): Model {
  return { ...common("classifier", properties.DocumentClassifierArn, properties), classifier: properties };
}

export function ofRecognizer(properties: EntityRecognizerProperties): Model {
  return { ...common("recognizer", properties.EntityRecognizerArn, properties), recognizer: properties };
}

type Either = DocumentClassifierProperties | EntityRecognizerProperties;

function common(kind: ModelKindId, arn = "", properties: Either): Model {
  const named = parseModelArn(arn);
  return {
    kind,
    arn,
    name: named?.name ?? arn,
    version: properties.VersionName ?? named?.version,
    status: properties.Status ?? "",
    message: properties.Message,
    language: properties.LanguageCode,
    submitted: properties.SubmitTime,
    ended: properties.EndTime,
    trainingStarted: properties.TrainingStartTime,
    trainingEnded: properties.TrainingEndTime,
    role: properties.DataAccessRoleArn,
    source: properties.SourceModelArn,
    subnets: properties.VpcConfig?.Subnets ?? [],
    groups: properties.VpcConfig?.SecurityGroupIds ?? [],
  };
}

/** Newest first; models of the same time by ARN. */
export function newestFirst(models: readonly Model[]): Model[] {
  return [...models].sort(
    (one, other) =>
      (other.submitted?.getTime() ?? 0) - (one.submitted?.getTime() ?? 0) || one.arn.localeCompare(other.arn),
  );
}

/** Whether the model's status will still change by itself. */
export function isMoving({ status }: { readonly status: string }): boolean {
  return ["SUBMITTED", "TRAINING", "STOP_REQUESTED", "DELETING"].includes(status);
}

/** Whether its training runs or is waiting. */
export function isTraining({ status, source }: Model): boolean {
  return source === undefined && ["SUBMITTED", "TRAINING", "STOP_REQUESTED"].includes(status);
}

/** Whether its training can be stopped. */
export function canStop(model: Model): boolean {
  return isTraining(model) && model.status !== "STOP_REQUESTED";
}

/** Whether a job can use it. */
export function isUsable({ status }: { readonly status: string }): boolean {
  return status === "TRAINED" || status === "TRAINED_WITH_WARNING";
}

/** Whether it can be deleted: the API refuses models in training. */
export function canDelete({ status }: { readonly status: string }): boolean {
  return ["TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED"].includes(status);
}

type Indicator = "pending" | "in-progress" | "success" | "warning" | "error" | "stopped";

const STATUS: Readonly<Record<string, readonly [Indicator, string]>> = {
  SUBMITTED: ["pending", "Submitted"],
  TRAINING: ["in-progress", "Training"],
  TRAINED: ["success", "Trained"],
  TRAINED_WITH_WARNING: ["warning", "Trained with warnings"],
  IN_ERROR: ["error", "In error"],
  STOP_REQUESTED: ["pending", "Stop requested"],
  STOPPED: ["stopped", "Stopped"],
  DELETING: ["in-progress", "Deleting"],
};

/** A status as it is shown; an unknown one is shown as it is. */
export function statusOf(status: string): { readonly type: Indicator; readonly label: string } {
  const [type, label] = STATUS[status] ?? ["pending", status];
  return { type, label };
}

/** The address of the form, filled in as it was for this training. */
export function copyPath({ kind, arn }: Model): string {
  return `${MODEL_KINDS[kind].createPath}?copy=${encodeURIComponent(arn)}`;
}

/** What must be typed before the model is deleted. */
export function deletionWord({ name, version }: Pick<Model, "name" | "version">): string {
  return version === undefined ? name : `${name}/${version}`;
}

/** The properties of a failed training as those of a failed job: enough to say what to change, and where. */
export function asFailedJob({ message, role, subnets, groups, classifier, recognizer }: Model): JobProperties {
  const input = classifier?.InputDataConfig?.S3Uri ?? recognizer?.InputDataConfig?.Documents?.S3Uri;
  const output = classifier?.OutputDataConfig?.S3Uri;
  return {
    JobStatus: "FAILED",
    ...(message !== undefined && { Message: message }),
    ...(role !== undefined && { DataAccessRoleArn: role }),
    ...(input !== undefined && { InputDataConfig: { S3Uri: input } }),
    ...(output !== undefined && { OutputDataConfig: { S3Uri: output } }),
    ...(subnets.length > 0 && { VpcConfig: { Subnets: [...subnets], SecurityGroupIds: [...groups] } }),
  };
}

/**
 * The id of a training, which is the name of its log stream; known only if its output location contains it.
 *
 * For servers whose API `reading-room` cannot be used.
 */
export function trainingId({ classifier }: Model): string | undefined {
  return /-CLR-([0-9a-f]{32})\/output\/output\.tar\.gz$/.exec(classifier?.OutputDataConfig?.S3Uri ?? "")?.[1];
}

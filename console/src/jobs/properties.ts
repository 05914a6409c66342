import type { InputDataConfig, OutputDataConfig, RedactionConfig, Tag, VpcConfig } from "@aws-sdk/client-comprehend";

export type JobStatus = "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "FAILED" | "STOP_REQUESTED" | "STOPPED";

/** The properties of a job in Describe and List: the members of all kinds together. */
export interface JobProperties {
  readonly JobId?: string;
  readonly JobArn?: string;
  readonly JobName?: string;
  readonly JobStatus?: JobStatus;
  readonly Message?: string;
  readonly SubmitTime?: Date;
  readonly EndTime?: Date;
  readonly InputDataConfig?: InputDataConfig;
  readonly OutputDataConfig?: OutputDataConfig;
  readonly LanguageCode?: string;
  readonly NumberOfTopics?: number;
  readonly EntityRecognizerArn?: string;
  readonly DocumentClassifierArn?: string;
  readonly FlywheelArn?: string;
  readonly Mode?: string;
  readonly RedactionConfig?: RedactionConfig;
  readonly TargetEventTypes?: readonly string[];
  readonly DataAccessRoleArn?: string;
  readonly VolumeKmsKeyId?: string;
  readonly VpcConfig?: VpcConfig;
}

/** The request of a Start operation: the members of all kinds together; which are required depends on the kind. */
export interface StartJobRequest {
  readonly InputDataConfig: InputDataConfig;
  readonly OutputDataConfig: OutputDataConfig;
  readonly DataAccessRoleArn: string;
  readonly JobName?: string;
  readonly LanguageCode?: string;
  readonly NumberOfTopics?: number;
  readonly EntityRecognizerArn?: string;
  readonly DocumentClassifierArn?: string;
  readonly FlywheelArn?: string;
  readonly Mode?: string;
  readonly RedactionConfig?: RedactionConfig;
  readonly TargetEventTypes?: string[];
  readonly ClientRequestToken?: string;
  readonly VolumeKmsKeyId?: string;
  readonly VpcConfig?: VpcConfig;
  readonly Tags?: Tag[];
}

/** The request of a List operation. AWS allows one criterion of the filter at a time. */
export interface ListJobsRequest {
  readonly Filter?: {
    readonly JobName?: string;
    readonly JobStatus?: JobStatus;
    readonly SubmitTimeAfter?: Date;
    readonly SubmitTimeBefore?: Date;
  };
  readonly NextToken?: string;
  readonly MaxResults?: number;
}

/** Whether a job may still change. */
export function isActive(status: string | undefined): boolean {
  return status === "SUBMITTED" || status === "IN_PROGRESS" || status === "STOP_REQUESTED";
}

/** Whether a job may have written results: a stopped one has the results of the documents that it had finished. */
export function hasResults(status: string | undefined): boolean {
  return status === "COMPLETED" || status === "STOPPED";
}

/** The outcome of a completed job: "2 of 7 documents failed". Other jobs show their reasons elsewhere. */
export function outcomeWords({ JobStatus, Message }: JobProperties): string | undefined {
  if (JobStatus !== "COMPLETED" || Message === undefined || Message.trim() === "") return undefined;
  const outcome = Message.trim().replace(/^completed[,:]?\s+/i, "");
  return outcome === "" ? undefined : outcome;
}

import type { ComprehendClient } from "@aws-sdk/client-comprehend";
import { JOB_COMMANDS } from "../kinds/commands.generated";
import type { JobRow } from "../kinds/row";
import { JOB_ROWS } from "../kinds/rows.generated";
import { MODEL_KINDS, type ModelKindId } from "../models/kinds";
import type { JobProperties, ListJobsRequest, StartJobRequest } from "./properties";

/** A command that a client of the AWS SDK sends. */
export type JobCommand = Parameters<ComprehendClient["send"]>[0];

/** The class of a command, for every kind of job with the same type of input. */
export type JobCommandClass<Input> = new (input: Input) => JobCommand;

interface JobCommands {
  readonly Start: JobCommandClass<StartJobRequest>;
  readonly Describe: JobCommandClass<{ JobId: string }>;
  readonly List: JobCommandClass<ListJobsRequest>;
  /** Absent if AWS has no such operation. */
  readonly Stop?: JobCommandClass<{ JobId: string }>;
}

/** A kind of job: its path in the console and its operations. */
export interface JobKind extends JobRow, JobCommands {}

/** Every kind of job that the service runs, in the order in which they are offered. */
export const JOB_KINDS: readonly JobKind[] = JOB_ROWS.map((row) => ({
  ...row,
  // The SDK types each class by its own operation; a table of all kinds needs a common type.
  ...(JOB_COMMANDS[row.slug] as unknown as JobCommands),
}));

/** The kind with this slug, which may come from a typed address. */
export function kindOf(slug: string | undefined): JobKind | undefined {
  return JOB_KINDS.find((each) => each.slug === slug);
}

/** The kind of the job with this ARN; undefined for an ARN of something else. */
export function kindOfArn(arn: string): JobKind | undefined {
  const type = arn.split(":")[5]?.split("/")[0];
  return JOB_KINDS.find((each) => each.arnType === type);
}

/** The custom model that a job uses; undefined if it uses none. */
export function modelArnOf(of: JobKind, job: JobProperties): string | undefined {
  return of.model && job[of.model.member];
}

/** The type of custom model that a kind can use; undefined if it uses none. */
export function kindOfModel(of: JobKind): ModelKindId | undefined {
  return Object.values(MODEL_KINDS).find(({ arnMember }) => arnMember === of.model?.member)?.id;
}

/** The label of a job: one that uses the caller's own recognizer has another label. */
export function typeLabel(of: JobKind, job: JobProperties): string {
  return of.model !== undefined && modelArnOf(of, job) !== undefined ? of.model.label : of.label;
}

/** The path of a job's page. */
export function jobPath(of: JobKind, jobId: string): string {
  return `/jobs/${of.slug}/${encodeURIComponent(jobId)}`;
}

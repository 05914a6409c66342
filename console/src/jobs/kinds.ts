import type { ComprehendClient } from "@aws-sdk/client-comprehend";
import { JOB_COMMANDS } from "../kinds/commands.generated";
import type { JobRow } from "../kinds/row";
import { JOB_ROWS } from "../kinds/rows.generated";
import type { JobProperties, ListJobsRequest, StartJobRequest } from "./properties";

/** What a client of the AWS SDK sends. */
export type JobCommand = Parameters<ComprehendClient["send"]>[0];

/** The class of a command, for every kind of job with the same type of input. */
export type JobCommandClass<Input> = new (input: Input) => JobCommand;

interface JobCommands {
  readonly Start: JobCommandClass<StartJobRequest>;
  readonly Describe: JobCommandClass<{ JobId: string }>;
  readonly List: JobCommandClass<ListJobsRequest>;
  /** Absent where AWS has no such operation. */
  readonly Stop?: JobCommandClass<{ JobId: string }>;
}

/** One kind of job: its place in the console and its operations. */
export interface JobKind extends JobRow, JobCommands {}

/** Every kind of job that the service runs, in the order in which people are offered them. */
export const JOB_KINDS: readonly JobKind[] = JOB_ROWS.map((row) => ({
  ...row,
  // The SDK types each class by its own operation; a table of all kinds needs what they have in common.
  ...(JOB_COMMANDS[row.slug] as unknown as JobCommands),
}));

/** The kind with this slug, which may come from an address that somebody typed. */
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

/** What a job of this kind is called: entities that a recognizer of the caller's own finds have another name. */
export function typeLabel(of: JobKind, job: JobProperties): string {
  return of.model !== undefined && modelArnOf(of, job) !== undefined ? of.model.label : of.label;
}

/** Where the page of a job is. */
export function jobPath(of: JobKind, jobId: string): string {
  return `/jobs/${of.slug}/${encodeURIComponent(jobId)}`;
}

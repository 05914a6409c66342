import type { ComprehendClient } from "@aws-sdk/client-comprehend";
import type { JobCommand, JobKind } from "./kinds";
import type { JobProperties, ListJobsRequest, StartJobRequest } from "./properties";

/** The largest page of a List operation of Comprehend. */
export const MOST_OF_A_PAGE = 500;

export interface JobsPage {
  readonly jobs: readonly JobProperties[];
  readonly nextToken?: string | undefined;
}

async function send(client: ComprehendClient, command: JobCommand, signal?: AbortSignal) {
  const options = signal === undefined ? {} : { abortSignal: signal };
  return (await client.send(command, options)) as unknown as Record<string, unknown>;
}

/** One page of the jobs of a kind. Throws the API's errors. */
export async function listJobs(
  client: ComprehendClient,
  kind: JobKind,
  request: ListJobsRequest,
  signal?: AbortSignal,
): Promise<JobsPage> {
  const answer = await send(client, new kind.List({ MaxResults: MOST_OF_A_PAGE, ...request }), signal);
  return {
    jobs: (answer[`${kind.properties}List`] ?? []) as readonly JobProperties[],
    nextToken: answer["NextToken"] as string | undefined,
  };
}

/** The description of a job. Throws the API's errors: JobNotFoundException if it does not exist. */
export async function describeJob(
  client: ComprehendClient,
  kind: JobKind,
  jobId: string,
  signal?: AbortSignal,
): Promise<JobProperties> {
  const answer = await send(client, new kind.Describe({ JobId: jobId }), signal);
  return (answer[kind.properties] ?? {}) as JobProperties;
}

/** Start a job, and return its id. The same token starts one job, however often it is sent. Throws the API's errors. */
export async function startJob(
  client: ComprehendClient,
  kind: JobKind,
  request: StartJobRequest,
  token: string,
): Promise<string> {
  const { JobId } = await send(client, new kind.Start({ ...request, ClientRequestToken: token }));
  if (typeof JobId !== "string") throw new Error(`Start${kind.operation}Job answered without a JobId`);
  return JobId;
}

/** Ask a job to stop. Only for kinds that have a Stop operation. */
export async function stopJob(client: ComprehendClient, kind: JobKind, jobId: string): Promise<void> {
  if (kind.Stop === undefined)
    throw new Error(`Jobs of the type ${kind.label} cannot be stopped: AWS has no such operation.`);
  await send(client, new kind.Stop({ JobId: jobId }));
}

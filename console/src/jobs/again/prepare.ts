import { type ComprehendClient, ListTagsForResourceCommand } from "@aws-sdk/client-comprehend";
import { isDenied } from "../../api/errors";
import type { Call } from "../../api/readingRoom";
import type { Tag } from "../../components/tags/tags";
import type { Check } from "../../create/parts/preflight";
import { isWithout } from "../../create/parts/usePreflight";
import { describeJob } from "../calls";
import type { JobKind } from "../kinds";
import type { JobProperties, StartJobRequest } from "../properties";
import { type Problem, problemsOf, tagsProblem } from "./problems";
import { requestAgain } from "./request";

/** A job that is about to run again. */
export interface Prepared {
  readonly kind: JobKind;
  readonly job: JobProperties;
  readonly request: StartJobRequest;
  /** What the user must decide first; empty if the request can be sent as it is. */
  readonly problems: readonly Problem[];
  /** One for each time that a job is run again, so that a request that is sent twice starts one job. */
  readonly token: string;
}

/** Read a job as it is now, and check whether it would succeed again. Throws the API's errors. */
export async function prepare(client: ComprehendClient, call: Call, kind: JobKind, jobId: string): Promise<Prepared> {
  const job = await describeJob(client, kind, jobId);
  const tags = await tagsOf(client, job.JobArn ?? "");
  const request = requestAgain(kind, job, tags ?? []);
  const found = problemsOf(kind, job, await checksOf(call, kind, request));
  const problems = tags === undefined ? [tagsProblem(kind), ...found] : found;
  return { kind, job, request, problems, token: crypto.randomUUID() };
}

/** The service's checks of a request; none if the server is too old to check. */
export async function checksOf(call: Call, kind: JobKind, request: StartJobRequest): Promise<readonly Check[]> {
  try {
    const input = { Operation: `Start${kind.operation}Job`, Request: JSON.stringify(request) };
    return (await call<{ Checks: Check[] }>("CheckJob", input)).Checks;
  } catch (error) {
    if (isWithout(error)) return [];
    throw error;
  }
}

/** The tags of a job; undefined if the caller may not read them. */
export async function tagsOf(client: ComprehendClient, arn: string): Promise<Tag[] | undefined> {
  try {
    const { Tags = [] } = await client.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
    return Tags.map(({ Key = "", Value = "" }) => ({ Key, Value }));
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

import type { JobsPage } from "./calls";
import { isActive, type JobProperties, type ListJobsRequest } from "./properties";

/** The jobs of one kind as they were last read, newest first. */
export interface Listing {
  readonly jobs: readonly JobProperties[];
  /** When all of them were last read, in milliseconds since 1970. */
  readonly readAt: number;
  /** Whether older ones have not been read yet. */
  readonly partial?: boolean;
}

export type ReadPage = (request: ListJobsRequest) => Promise<JobsPage>;

/** How long a list is only updated. After that it is read again, because jobs may have been deleted. */
export const WHOLE_MILLISECONDS = 5 * 60 * 1000;

/**
 * Read the jobs of a kind, using what was read before.
 *
 * A job that has ended does not change any more, so this requests only jobs that were submitted since the oldest one
 * that was still active: with 10,000 jobs in the list that is a page instead of twenty. If nothing was
 * read before, ``onFirst`` gets the first page while others follow.
 */
export async function refresh(
  known: Listing | undefined,
  readPage: ReadPage,
  now: number,
  onFirst: (listing: Listing) => void = () => undefined,
): Promise<Listing> {
  if (known === undefined || known.partial || known.jobs.length === 0 || now - known.readAt >= WHOLE_MILLISECONDS) {
    const first = (jobs: readonly JobProperties[]): void => {
      if (known === undefined) onFirst({ jobs: sorted(jobs), readAt: now, partial: true });
    };
    return { jobs: sorted(await readAll(readPage, undefined, first)), readAt: now };
  }
  const since = changesSince(known.jobs);
  const changed = await readAll(readPage, since);
  if (changed.length === 0) return known;
  const fresh = new Map(changed.map((job) => [job.JobId, job]));
  const kept = known.jobs.filter((job) => !fresh.has(job.JobId));
  return { jobs: sorted([...changed, ...kept]), readAt: known.readAt };
}

/** The time before which all jobs have ended. */
export function changesSince(jobs: readonly JobProperties[]): Date | undefined {
  const active = jobs.filter((job) => isActive(job.JobStatus)).map(submitted);
  // Reduced rather than spread, because the number of arguments is limited.
  const moment =
    active.length > 0
      ? active.reduce((one, other) => Math.min(one, other))
      : jobs.map(submitted).reduce((one, other) => Math.max(one, other), 0);
  // The API's times have milliseconds, and "after" excludes the time itself.
  return moment === 0 ? undefined : new Date(moment - 1000);
}

async function readAll(
  readPage: ReadPage,
  since: Date | undefined,
  onFirst: (jobs: readonly JobProperties[]) => void = () => undefined,
): Promise<JobProperties[]> {
  const found: JobProperties[] = [];
  let token: string | undefined;
  do {
    const page = await readPage({
      ...(since !== undefined && { Filter: { SubmitTimeAfter: since } }),
      ...(token !== undefined && { NextToken: token }),
    });
    if (token === undefined && page.nextToken !== undefined) onFirst(page.jobs);
    found.push(...page.jobs);
    token = page.nextToken;
  } while (token !== undefined);
  return found;
}

export function submitted(job: JobProperties): number {
  return job.SubmitTime?.getTime() ?? 0;
}

function sorted(jobs: readonly JobProperties[]): JobProperties[] {
  return [...jobs].sort((one, other) => submitted(other) - submitted(one));
}

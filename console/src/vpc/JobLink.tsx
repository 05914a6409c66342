import { RouterLink } from "../components/RouterLink";
import { JOB_KINDS } from "../jobs/kinds";
import { jobOf } from "./jobs";

/** The console's page of a job or training; nothing for kinds that have none. */
export function jobPath(description: string | undefined): string | undefined {
  const job = jobOf(description);
  if (job === undefined) return undefined;
  const kind = JOB_KINDS.find((each) => each.arnType === job.arnType);
  if (kind !== undefined) return `/jobs/${kind.slug}/${encodeURIComponent(job.id)}`;
  return /^(document-classifier|entity-recognizer)$/.test(job.arnType)
    ? `/models/view?arn=${encodeURIComponent(job.arn)}`
    : undefined;
}

/** The job that an interface works for, as a link; a dash for an interface of something else. */
export function JobLink({ description }: { readonly description: string | undefined }) {
  const job = jobOf(description);
  const path = jobPath(description);
  if (job === undefined) return <>-</>;
  return path === undefined ? job.id : <RouterLink to={path}>{job.id}</RouterLink>;
}

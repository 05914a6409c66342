import { RouterLink } from "../components/RouterLink";
import { jobPath, kindOfArn } from "../jobs/kinds";
import { modelPath, parseModelArn } from "../models/arn";
import { type JobOfInterface, jobOf } from "./jobs";

/** The job of an interface, as a link; a dash for other interfaces. */
export function JobLink({ description }: { readonly description: string | undefined }) {
  const job = jobOf(description);
  if (job === undefined) return <>-</>;
  const path = pageOf(job);
  return path === undefined ? job.id : <RouterLink to={path}>{job.id}</RouterLink>;
}

/** The console's page of a job or training; undefined for kinds that have none. */
function pageOf({ arn, id }: JobOfInterface): string | undefined {
  const kind = kindOfArn(arn);
  if (kind !== undefined) return jobPath(kind, id);
  return parseModelArn(arn) === undefined ? undefined : modelPath(arn);
}

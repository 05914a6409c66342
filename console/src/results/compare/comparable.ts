import type { ListedJob } from "../../jobs/hooks";
import { hasResults, type JobProperties } from "../../jobs/properties";

/** Why the results of a job cannot be compared with those of another one; undefined if they can. */
export function whyNotComparable({ kind, job }: ListedJob): string | undefined {
  if (kind.slug === "topics") return "The topics of two jobs have nothing in common but their numbers.";
  if (job.Mode === "ONLY_REDACTION") return "This job redacted documents, and its results do not say what it found.";
  return hasResults(job.JobStatus) ? undefined : "This job has no results.";
}

/** Why two jobs of a list cannot be compared; undefined if they can. */
export function whyNotCompared(chosen: readonly ListedJob[]): string | undefined {
  const [one, other] = chosen;
  if (one === undefined || other === undefined || chosen.length > 2) return "Choose two jobs of the same type.";
  if (one.kind !== other.kind) return "The jobs have different types.";
  return whyNotComparable(one) ?? whyNotComparable(other);
}

/** The page that compares two jobs of a kind; the other one is chosen there if it is not given. */
export function compareJobsPath(slug: string, one: string, other = ""): string {
  return `/jobs/compare?${new URLSearchParams({ kind: slug, one, other })}`;
}

/** The names of two jobs, which need not be unique: with the beginnings of their ids if they are the same. */
export function jobNames(one: JobProperties, other: JobProperties): readonly [string, string] {
  const name = ({ JobName, JobId = "" }: JobProperties): string => JobName ?? JobId;
  if (name(one) !== name(other)) return [name(one), name(other)];
  const exact = (job: JobProperties): string => `${name(job)} (${(job.JobId ?? "").slice(0, 8)})`;
  return [exact(one), exact(other)];
}

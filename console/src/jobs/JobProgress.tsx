import Box from "@cloudscape-design/components/box";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import { useJobProgress } from "./hooks";
import { percentDone, progressWords } from "./progress";
import { isActive, type JobProperties } from "./properties";
import type { JobRun } from "./runs";

/** The progress of a job in the list; nothing for a job that has ended. */
export function JobProgress({ job }: { readonly job: JobProperties }) {
  const active = isActive(job.JobStatus);
  const { data } = useJobProgress(job.JobId ?? "", active);
  if (!active || data === undefined) return <>-</>;
  return <RunProgress run={data} name={job.JobName ?? job.JobId ?? "the job"} />;
}

/** The progress of a job: documents done, rate, time left, or its place in the queue. */
export function RunProgress({ run, name }: { readonly run: JobRun; readonly name: string }) {
  const percent = percentDone(run);
  if (percent === undefined) return <Box variant="span">{progressWords(run)}</Box>;
  return <ProgressBar value={percent} ariaLabel={`Progress of ${name}`} additionalInfo={progressWords(run)} />;
}

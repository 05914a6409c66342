import type { ComprehendClient } from "@aws-sdk/client-comprehend";
import { stopJob } from "./calls";
import type { ListedJob } from "./hooks";
import { isActive } from "./properties";

/** Whether a job can be stopped. */
export function canStop({ kind, job }: ListedJob): boolean {
  return kind.Stop !== undefined && isActive(job.JobStatus) && job.JobStatus !== "STOP_REQUESTED";
}

/** Why none of the chosen jobs can be stopped. */
export function whyNotStopped(chosen: readonly ListedJob[]): string {
  if (chosen.length === 0) return "Choose a job first.";
  if (chosen.every(({ kind }) => kind.Stop === undefined)) return "AWS has no operation that stops jobs of this type.";
  return chosen.length === 1
    ? "This job has ended or is already stopping."
    : "The chosen jobs have ended, are already stopping, or have types that AWS cannot stop.";
}

export interface NotStopped {
  readonly listed: ListedJob;
  readonly error: unknown;
}

/** Stop each job; an error for one does not affect the others. */
export async function stopAll(client: ComprehendClient, jobs: readonly ListedJob[]): Promise<NotStopped[]> {
  const refused: NotStopped[] = [];
  for (const listed of jobs) {
    try {
      await stopJob(client, listed.kind, listed.job.JobId ?? "");
    } catch (error) {
      refused.push({ listed, error });
    }
  }
  return refused;
}

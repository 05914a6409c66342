import { useQuery } from "@tanstack/react-query";
import { useReadingRoom } from "../api/readingRoom";
import type { JobRun } from "../jobs/runs";

interface JobRuns {
  readonly JobRuns: readonly JobRun[];
}

/** The most models of one call. */
const MOST = 100;

/** The progress of the trainings of these models, by ARN. */
export function useTrainingRuns(arns: readonly string[]) {
  const call = useReadingRoom();
  return useQuery({
    queryKey: ["reading-room", "DescribeJobRuns", "models", arns],
    queryFn: async ({ signal }) => {
      const runs = new Map<string, JobRun>();
      for (let from = 0; from < arns.length; from += MOST) {
        const input = { JobIds: arns.slice(from, from + MOST) };
        for (const run of (await call<JobRuns>("DescribeJobRuns", input, signal)).JobRuns) {
          runs.set(run.JobIdentifier, run);
        }
      }
      return runs;
    },
    enabled: arns.length > 0,
    refetchInterval: ({ state }) => (state.error === null ? 2_000 : false),
  });
}

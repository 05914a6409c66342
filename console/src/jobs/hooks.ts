import type { ComprehendClient } from "@aws-sdk/client-comprehend";
import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { useComprehend } from "../api/comprehend";
import { hasCode, isDenied } from "../api/errors";
import { useLogs } from "../api/logs";
import { type Call, useReadingRoom } from "../api/readingRoom";
import { describeJob, listJobs } from "./calls";
import { JOB_KINDS, type JobKind } from "./kinds";
import { type Listing, refresh, submitted } from "./listing";
import { readWholeStream } from "./logStream";
import { isActive, type JobProperties } from "./properties";
import { describeRun, type JobEvent, type JobRun, RunReader } from "./runs";
import { eventOf } from "./story";

export const RUNNING_MILLISECONDS = 2_000;
export const IDLE_MILLISECONDS = 10_000;
/** The log group of jobs' stories, if the API `reading-room` does not name it. */
export const STORY_GROUP = "/reading-room/jobs";

/** A job of a list, with its kind. */
export interface ListedJob {
  readonly kind: JobKind;
  readonly job: JobProperties;
}

export interface JobsList {
  readonly jobs: readonly ListedJob[] | undefined;
  /** The kinds that cannot be listed, each with the reason. */
  readonly errors: readonly { readonly kind: JobKind; readonly error: unknown }[];
  readonly loading: boolean;
  /** Whether older jobs are still being read. */
  readonly more: boolean;
  /** Read every list again. */
  readonly reload: () => void;
}

const listKey = (kind: JobKind): string[] => ["comprehend", `List${kind.operation}Jobs`];
const newestFirst = (one: ListedJob, other: ListedJob): number => submitted(other.job) - submitted(one.job);

/** The jobs of every kind, kept up to date. */
export function useJobs(): JobsList {
  const client = useComprehend();
  const queries = useQueryClient();
  const results = useQueries({
    queries: JOB_KINDS.map((kind) => ({
      queryKey: listKey(kind),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        refresh(
          queries.getQueryData<Listing>(listKey(kind)),
          (request) => listJobs(client, kind, request, signal),
          Date.now(),
          (first) => queries.setQueryData(listKey(kind), first),
        ),
      refetchInterval: (query: { state: { data?: Listing | undefined } }) =>
        query.state.data?.jobs.some((job) => isActive(job.JobStatus)) ? RUNNING_MILLISECONDS : IDLE_MILLISECONDS,
      // Answers are the same objects while nothing has changed, because comparing 10,000 jobs deeply would cost more.
      structuralSharing: false,
    })),
    combine: useCallback(
      (each: readonly { data?: Listing | undefined; error: unknown; isPending: boolean }[]) => ({
        listings: each.map((result) => result.data),
        failures: each.map((result) => (result.error === null ? undefined : result.error)),
        pending: each.map((result) => result.isPending),
      }),
      [],
    ),
  });
  const { listings, failures, pending } = results;
  const jobs = useMemo(
    () =>
      listings.some((listing) => listing !== undefined)
        ? JOB_KINDS.flatMap((kind, index) => (listings[index]?.jobs ?? []).map((job) => ({ kind, job }))).sort(
            newestFirst,
          )
        : undefined,
    [listings],
  );
  const errors = JOB_KINDS.flatMap((kind, index) =>
    failures[index] === undefined ? [] : [{ kind, error: failures[index] }],
  );
  const reload = useCallback(() => {
    for (const kind of JOB_KINDS) {
      // The jobs shown stay until the whole list has been read again.
      queries.setQueryData<Listing>(listKey(kind), (known) => known && { ...known, readAt: 0 });
      void queries.invalidateQueries({ queryKey: listKey(kind), exact: true });
    }
  }, [queries]);
  const more = listings.some((listing) => listing?.partial === true);
  return { jobs, errors, loading: pending.some(Boolean), more, reload };
}

/** The query of one job, which is kept up to date until it has ended. */
function jobQuery(client: ComprehendClient, kind: JobKind, jobId: string) {
  return {
    queryKey: ["comprehend", `Describe${kind.operation}Job`, jobId],
    queryFn: ({ signal }: { signal: AbortSignal }) => describeJob(client, kind, jobId, signal),
    refetchInterval: (query: { state: { data?: JobProperties | undefined } }) =>
      query.state.data && !isActive(query.state.data.JobStatus) ? (false as const) : RUNNING_MILLISECONDS,
  };
}

/** One job, kept up to date until it has ended. */
export function useJob(kind: JobKind, jobId: string) {
  return useQuery(jobQuery(useComprehend(), kind, jobId));
}

export interface NamedJobs {
  /** Those that could be read, in the given order. */
  readonly jobs: readonly ListedJob[];
  readonly errors: readonly { readonly id: string; readonly error: unknown }[];
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Several jobs by their ids, kept up to date until they have ended. */
export function useJobsByName(named: readonly { readonly kind: JobKind; readonly id: string }[]): NamedJobs {
  const client = useComprehend();
  const results = useQueries({ queries: named.map(({ kind, id }) => jobQuery(client, kind, id)) });
  return {
    jobs: named.flatMap(({ kind }, at) => {
      const job = results[at]?.data;
      return job === undefined ? [] : [{ kind, job }];
    }),
    errors: named.flatMap(({ id }, at) => {
      const error = results[at]?.error ?? null;
      return error === null ? [] : [{ id, error }];
    }),
    loading: results.some(({ isPending }) => isPending),
    reload: () => {
      for (const { refetch } of results) void refetch();
    },
  };
}

const readers = new WeakMap<object, RunReader>();

function useRunReader(client: object, call: Call): RunReader {
  return useMemo(() => {
    // A session has one client of Comprehend, and therefore one reader.
    const known = readers.get(client);
    if (known !== undefined) return known;
    const made = new RunReader(call);
    readers.set(client, made);
    return made;
  }, [client, call]);
}

/** The progress of a job, for a row of a list; rows that are shown at the same time share a request. */
export function useJobProgress(jobId: string, wanted: boolean) {
  const reader = useRunReader(useComprehend(), useReadingRoom());
  return useQuery({
    queryKey: ["reading-room", "DescribeJobRuns", "progress", jobId],
    queryFn: () => reader.read(jobId),
    enabled: wanted,
    refetchInterval: (query) => (query.state.error ? false : RUNNING_MILLISECONDS),
    retry: false,
  });
}

export interface RunView {
  readonly run: JobRun | undefined;
  readonly events: readonly JobEvent[] | undefined;
  readonly error: unknown;
  readonly loading: boolean;
  /** Whether the story comes from the log stream, because the API `reading-room` cannot be used. */
  readonly fromLog: boolean;
}

/** The state of a job or a training, with its story. ``stream`` names its log stream, in case only that can be read. */
export function useJobRun(identifier: string, active: boolean, stream?: string): RunView {
  const call = useReadingRoom();
  const logs = useLogs();
  const run = useQuery({
    queryKey: ["reading-room", "DescribeJobRuns", identifier, active],
    queryFn: ({ signal }) => describeRun(call, identifier, signal),
    refetchInterval: (query) => (active && query.state.error === null ? RUNNING_MILLISECONDS : false),
    placeholderData: (before) => (before?.JobIdentifier === identifier ? before : undefined),
  });
  const withoutRun = run.error !== null && run.data === undefined && stream !== undefined;
  const log = useQuery({
    queryKey: ["logs", "GetLogEvents", "story", stream, active],
    queryFn: async ({ signal }) => (await readWholeStream(logs, STORY_GROUP, stream ?? "", signal)).map(eventOf),
    enabled: withoutRun,
    refetchInterval: active ? RUNNING_MILLISECONDS : false,
  });
  return {
    run: run.data,
    events: run.data?.Events ?? log.data,
    error: run.error ?? undefined,
    loading: run.isPending || (withoutRun && log.isPending),
    fromLog: withoutRun && log.data !== undefined,
  };
}

/** Describe an error that means that progress cannot be shown. */
export function whyNoProgress(error: unknown): string | undefined {
  if (error === undefined || error === null) return undefined;
  if (hasCode(error, "UnknownOperationException", "UnknownOperation", "InvalidAction")) {
    return "The server is older than the console: its API does not report progress. Update it to see progress.";
  }
  if (isDenied(error)) {
    return "You may not describe these jobs, so their progress is not shown. Ask an administrator for the Describe actions of Comprehend.";
  }
  return `Progress cannot be read: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

import { type Endpoint, isMoving } from "../endpoints/endpoint";
import type { ListedJob } from "../jobs/hooks";
import { isActive } from "../jobs/properties";
import { isMoving as isModelMoving, isUsable, type Model } from "../models/model";

/** What a user has: undefined as long as it is not known. */
export interface Belongings {
  readonly jobs: readonly ListedJob[] | undefined;
  readonly models: readonly Model[] | undefined;
  readonly endpoints: readonly Endpoint[] | undefined;
}

/** Something that runs, and will end by itself. */
export type Running =
  | { readonly what: "job"; readonly listed: ListedJob }
  | { readonly what: "model"; readonly model: Model }
  | { readonly what: "endpoint"; readonly endpoint: Endpoint };

/** Something that has ended: a job, or the training of a model. */
export type Ended =
  | { readonly what: "job"; readonly listed: ListedJob }
  | { readonly what: "model"; readonly model: Model };

/** What runs now: jobs, then trainings, then endpoints that are changing. */
export function runningOf({ jobs = [], models = [], endpoints = [] }: Belongings): Running[] {
  return [
    ...jobs.filter(({ job }) => isActive(job.JobStatus)).map((listed) => ({ what: "job" as const, listed })),
    ...models.filter(isModelMoving).map((model) => ({ what: "model" as const, model })),
    ...endpoints.filter(isMoving).map((endpoint) => ({ what: "endpoint" as const, endpoint })),
  ];
}

/** What ended last: jobs and trainings, the latest end first. */
export function endedOf({ jobs = [], models = [] }: Belongings, most: number): Ended[] {
  const ended: Ended[] = [
    ...jobs.filter(({ job }) => !isActive(job.JobStatus)).map((listed) => ({ what: "job" as const, listed })),
    // A copied model was not trained here.
    ...models
      .filter((model) => !isModelMoving(model) && model.source === undefined)
      .map((model) => ({ what: "model" as const, model })),
  ];
  return ended
    .map((each) => ({ each, at: endOf(each) }))
    .sort((one, other) => other.at - one.at)
    .slice(0, most)
    .map(({ each }) => each);
}

function endOf(ended: Ended): number {
  return (ended.what === "job" ? ended.listed.job.EndTime : ended.model.ended)?.getTime() ?? 0;
}

/** The figures at the top of the page. */
export interface Figures {
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly models: number | undefined;
  readonly endpoints: number | undefined;
}

const DAY = 86_400_000;

/** How much runs, what ended within the last day, and what can be used. ``now`` is in milliseconds since 1970. */
export function figuresOf(belongings: Belongings, now: number): Figures {
  const { jobs = [], models, endpoints } = belongings;
  const recent = jobs.filter(({ job }) => (job.EndTime?.getTime() ?? 0) > now - DAY);
  const withStatus = (status: string): number => recent.filter(({ job }) => job.JobStatus === status).length;
  return {
    running: runningOf(belongings).length,
    completed: withStatus("COMPLETED"),
    failed: withStatus("FAILED"),
    models: models?.filter(isUsable).length,
    endpoints: endpoints?.filter(({ status }) => status === "IN_SERVICE").length,
  };
}

/** Whether a user has nothing yet. Only complete answers can say so. */
export function isNew({ jobs, models, endpoints }: Belongings): boolean {
  return jobs?.length === 0 && models?.length === 0 && endpoints?.length === 0;
}

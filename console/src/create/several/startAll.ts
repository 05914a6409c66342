import type { StartedJob } from "../../jobs/several/address";
import type { Work } from "./draft";

/** A job of several that was not started, and why. */
export interface NotStarted {
  readonly work: Work;
  readonly error: unknown;
}

export interface StartedAll {
  /** By the id of the analysis type. */
  readonly started: ReadonlyMap<string, StartedJob>;
  readonly refused: readonly NotStarted[];
}

/** Start each job that has not been started. One that is refused does not keep the others from being started. */
export async function startAll(
  work: readonly Work[],
  before: ReadonlyMap<string, StartedJob>,
  start: (work: Work) => Promise<string>,
): Promise<StartedAll> {
  const started = new Map(before);
  const refused: NotStarted[] = [];
  for (const each of work) {
    if (started.has(each.type.id)) continue;
    try {
      started.set(each.type.id, { slug: each.type.kind.slug, id: await start(each) });
    } catch (error) {
      refused.push({ work: each, error });
    }
  }
  return { started, refused };
}

import { LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCloudTrail } from "../../api/cloudtrail";
import { lookupRequest, readEvent, type TrailEvent, type TrailFilter } from "./events";

interface TrailPage {
  readonly events: readonly TrailEvent[];
  readonly next: string | undefined;
}

/** How many of AWS's pages are read at once: a page may be empty and still have a next one. */
const PAGES_AT_ONCE = 6;

interface Options {
  /** Which of the events read are wanted. */
  readonly keep?: (event: TrailEvent) => boolean;
  readonly poll?: number | undefined;
}

/**
 * The trail, newest first, read as far as the page requests.
 *
 * ``range`` is how far back, in milliseconds from now: the start is computed when the query runs, so that a live
 * list has one key.
 */
export function useTrail(filter: Omit<TrailFilter, "from">, range: number | undefined, options: Options = {}) {
  const cloudTrail = useCloudTrail();
  const { keep, poll } = options;
  return useInfiniteQuery({
    queryKey: ["cloudtrail", "LookupEvents", filter, range, keep?.name],
    initialPageParam: undefined as { token: string; from: number | undefined } | undefined,
    refetchInterval: poll ?? false,
    queryFn: async ({ pageParam, signal }): Promise<TrailPage & { from: number | undefined; seen: number }> => {
      // A token belongs to the request that it came from, so later pages keep the first one's time.
      const from = pageParam?.from ?? (range === undefined ? undefined : Date.now() - range);
      const events: TrailEvent[] = [];
      let next = pageParam?.token;
      let seen = 0;
      for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
        const answer = await cloudTrail.send(new LookupEventsCommand(lookupRequest({ ...filter, from }, next)), {
          abortSignal: signal,
        });
        const read = (answer.Events ?? []).map(readEvent);
        seen += read.length;
        events.push(...(keep === undefined ? read : read.filter(keep)));
        next = answer.NextToken;
        if (next === undefined || (keep === undefined && events.length >= 50)) break;
      }
      return { events, next, from, seen };
    },
    getNextPageParam: (last) => (last.next === undefined ? undefined : { token: last.next, from: last.from }),
  });
}

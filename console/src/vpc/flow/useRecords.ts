import {
  type FilteredLogEvent,
  FilterLogEventsCommand,
  type FilterLogEventsCommandOutput,
} from "@aws-sdk/client-cloudwatch-logs";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { hasCode } from "../../api/errors";
import { useLogs } from "../../api/logs";
import { noRecords, type Records, withEvents } from "./collect";

/** How often a followed log is read. */
const FOLLOW = 2_000;
/** Records of one window arrive together but not in order, so each request overlaps the last by this much. */
const OVERLAP = 120_000;
const PAGE = 10_000;

interface Asked {
  readonly group: string | undefined;
  readonly fields: readonly string[];
  /** How far back to start, in milliseconds. */
  readonly back: number;
  readonly follow: boolean;
}

/** The records of a log group in CloudWatch Logs, followed as they arrive. */
export function useRecords({ group, fields, back, follow }: Asked) {
  const logs = useLogs();
  const queries = useQueryClient();
  const queryKey = ["logs", "FilterLogEvents", group, fields.join(" "), back];
  return useQuery<Records>({
    queryKey,
    enabled: group !== undefined,
    refetchInterval: follow ? FOLLOW : false,
    queryFn: async ({ signal }) => {
      const before = queries.getQueryData<Records>(queryKey) ?? noRecords(Date.now() - back);
      const events: FilteredLogEvent[] = [];
      let nextToken: string | undefined;
      try {
        do {
          const answer: FilterLogEventsCommandOutput = await logs.send(
            new FilterLogEventsCommand({
              logGroupName: group,
              startTime: Math.max(0, before.from - (before.records.length > 0 ? OVERLAP : 0)),
              limit: PAGE,
              nextToken,
            }),
            { abortSignal: signal },
          );
          events.push(...(answer.events ?? []));
          nextToken = answer.nextToken;
        } while (nextToken !== undefined);
      } catch (error) {
        // The first delivery creates the group; until then, having no records is not an error.
        if (!hasCode(error, "ResourceNotFoundException")) throw error;
      }
      return withEvents(before, events, fields);
    },
  });
}

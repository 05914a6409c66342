import type { FilteredLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import { type FlowRecord, parseRecord } from "./records";

/** The most records that a page keeps; the oldest are removed first. */
export const MOST_RECORDS = 50_000;

export interface Records {
  /** Newest first. */
  readonly records: readonly FlowRecord[];
  /** Lines that do not match the format, for example of another flow log in the same group. */
  readonly others: number;
  /** The start of the next request, in milliseconds since 1970. */
  readonly from: number;
  readonly known: ReadonlySet<string>;
}

export function noRecords(from: number): Records {
  return { records: [], others: 0, from, known: new Set() };
}

/** The records with new events added, without duplicates: requests overlap. */
export function withEvents(before: Records, events: readonly FilteredLogEvent[], fields: readonly string[]): Records {
  const known = new Set(before.known);
  const fresh: FlowRecord[] = [];
  let { others, from } = before;
  for (const event of events) {
    const id = event.eventId ?? "";
    if (known.has(id)) continue;
    known.add(id);
    const at = event.timestamp ?? 0;
    from = Math.max(from, at);
    const record = parseRecord(id, at, event.message ?? "", fields);
    if (record === undefined) others += 1;
    else fresh.push(record);
  }
  if (fresh.length === 0 && others === before.others) return before;
  const records = [...fresh, ...before.records].sort((one, other) => other.at - one.at).slice(0, MOST_RECORDS);
  return { records, others, from, known };
}

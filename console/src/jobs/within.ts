import type { JobProperties } from "./properties";

/** A range of time, as the design system's picker returns it. */
type Range =
  | { readonly type: "absolute"; readonly startDate: string; readonly endDate: string }
  | { readonly type: "relative"; readonly amount: number; readonly unit: string };

export interface Bounds {
  readonly from: number;
  readonly until: number;
}

const LENGTHS: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
};

/** The bounds of a range of time, in milliseconds since 1970; undefined if none was chosen. */
export function boundsOf(range: Range | null, now: number): Bounds | undefined {
  if (range === null) return undefined;
  if (range.type === "relative") {
    const length = LENGTHS[range.unit];
    return length === undefined ? undefined : { from: now - range.amount * length, until: Number.POSITIVE_INFINITY };
  }
  const [from, until] = [Date.parse(range.startDate), Date.parse(range.endDate)];
  if (Number.isNaN(from) || Number.isNaN(until)) return undefined;
  // A day or a second that is chosen as the end is included.
  return { from, until: range.endDate.includes("T") ? until + 999 : until + 86_399_999 };
}

export function submittedWithin(job: JobProperties, { from, until }: Bounds): boolean {
  const at = job.SubmitTime?.getTime();
  return at !== undefined && at >= from && at <= until;
}

/** How much of an archive is kept. A job's own limits are lower, so a larger archive is not the result of a job. */
export interface ReadingLimits {
  readonly textBytes: number;
  readonly records: number;
  readonly findings: number;
  readonly lineBytes: number;
  readonly terms: number;
}

export const LIMITS: ReadingLimits = {
  textBytes: 4_000_000_000,
  records: 3_000_000,
  findings: 40_000_000,
  lineBytes: 32 * 1024 * 1024,
  terms: 100_000,
};

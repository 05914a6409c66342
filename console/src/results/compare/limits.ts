/** How much of two results is compared document by document, and how much of the differences is kept to be shown. */
export interface CompareLimits {
  readonly documents: number;
  readonly findings: number;
  /** Documents with differences. */
  readonly shown: number;
  /** Differences of a document. */
  readonly perDocument: number;
}

export const COMPARE_LIMITS: CompareLimits = { documents: 100_000, findings: 500_000, shown: 1_000, perDocument: 20 };

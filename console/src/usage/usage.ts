/** What GetUsage of the API `reading-room` says of the jobs of one kind, or of the calls of one operation. */
export interface UsageEntry {
  readonly Kind: string;
  readonly Times: number;
  readonly Documents: number;
  readonly Characters: number;
  readonly Units: number;
  readonly InputBytes: number;
  readonly TrainingSeconds: number;
}

export interface UsageAnswer {
  readonly Month: string;
  readonly Usage: readonly UsageEntry[];
}

/** What GetDiskUse says of one kind of data. */
export interface DiskUse {
  readonly Kind: string;
  readonly Bytes: number;
  readonly Limit?: number;
}

export interface DiskUseAnswer {
  readonly DiskUse: readonly DiskUse[];
}

const COLUMNS = ["Kind", "Times", "Documents", "Characters", "Units", "InputBytes", "TrainingSeconds"] as const;

const DISK_NAMES: Readonly<Record<string, string>> = {
  OBJECTS: "Objects in buckets",
  MODELS: "Custom models",
  LOG_EVENTS: "Log events",
  FLOW_RECORDS: "Flow records among the log events",
};

/** The name of a kind of data for readers. */
export function diskName(kind: string): string {
  return DISK_NAMES[kind] ?? kind;
}

/** The month (UTC) of a moment and those before it, the newest first: "2026-11". */
export function months(now: Date, count: number): string[] {
  return Array.from({ length: count }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7),
  );
}

/** The usage of a month as CSV. Kinds and operations are words of the service, so nothing needs quotes. */
export function csvOf({ Month, Usage }: UsageAnswer): string {
  const rows = Usage.map((entry) => [Month, ...COLUMNS.map((column) => entry[column])].join(","));
  return `${[["Month", ...COLUMNS].join(","), ...rows].join("\n")}\n`;
}

/** A record of a flow log, by the names of the fields in its format. */
export type FlowRecord = Readonly<Record<string, string>>;

/** The fourteen fields of version 2, which a flow log has that names none. */
export const DEFAULT_FIELDS: readonly string[] = [
  "version",
  "account-id",
  "interface-id",
  "srcaddr",
  "dstaddr",
  "srcport",
  "dstport",
  "protocol",
  "packets",
  "bytes",
  "start",
  "end",
  "action",
  "log-status",
];

const PROTOCOLS: Readonly<Record<string, string>> = { "1": "ICMP", "6": "TCP", "17": "UDP", "58": "ICMPv6" };

/** The names of the fields of a flow log's format, in order. */
export function fieldsOf(format: string | undefined): readonly string[] {
  if (format === undefined) return DEFAULT_FIELDS;
  return [...format.matchAll(/\$\{([a-z0-9-]+)\}/g)].map(([, name]) => name ?? "");
}

/** Read a line by the fields of its format; nothing for a line of another form. */
export function readRecord(line: string, fields: readonly string[]): FlowRecord | undefined {
  const values = line.trim().split(/\s+/);
  if (values.length !== fields.length) return undefined;
  return Object.fromEntries(fields.map((name, index) => [name, values[index] ?? "-"]));
}

/** Whether a record tells of a flow, rather than that nothing passed or that records may be missing. */
export function tellsOfFlow(record: FlowRecord): boolean {
  return record["action"] !== "-" || record["srcaddr"] !== "-";
}

export function protocolName(number: string | undefined): string {
  return number === undefined ? "-" : (PROTOCOLS[number] ?? number);
}

/** "10.0.1.4:443"; only the address where the format or the protocol has no port. */
export function endOf(address: string | undefined, port: string | undefined): string {
  if (address === undefined || address === "-") return "-";
  return port === undefined || port === "-" || port === "0" ? address : `${address}:${port}`;
}

interface FlowLogLike {
  readonly LogDestinationType?: string | undefined;
  readonly LogGroupName?: string | undefined;
  readonly LogFormat?: string | undefined;
  readonly ResourceId?: string | undefined;
}

/** A log group in which records of a job's interfaces are, with the format they have there. */
export interface RecordSource {
  readonly group: string;
  readonly format: string | undefined;
  readonly of: string;
}

/** Where the records of flow logs can be read: the log groups of those that go to CloudWatch Logs, each once. */
export function sourcesOf(flowLogs: readonly FlowLogLike[]): RecordSource[] {
  const found = new Map<string, RecordSource>();
  for (const each of flowLogs) {
    if (each.LogDestinationType !== "cloud-watch-logs" || each.LogGroupName === undefined) continue;
    if (!found.has(each.LogGroupName)) {
      found.set(each.LogGroupName, { group: each.LogGroupName, format: each.LogFormat, of: each.ResourceId ?? "" });
    }
  }
  return [...found.values()];
}

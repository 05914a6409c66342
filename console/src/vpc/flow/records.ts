/** The fields of a record if the flow log does not name any: those of version 2. */
export const DEFAULT_FORMAT = formatOf(
  "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
);

/** Further fields: the packet's VPC and subnet, its direction and path, and its own addresses. */
export const EXTENDED_FORMAT = `${DEFAULT_FORMAT} ${formatOf(
  "vpc-id subnet-id tcp-flags pkt-srcaddr pkt-dstaddr pkt-dst-aws-service flow-direction traffic-path",
)}`;

/** Field names in the form of a flow log's format, each in ${}. */
function formatOf(names: string): string {
  return names
    .split(" ")
    .map((name) => `\${${name}}`)
    .join(" ");
}

/** The field names of a format, in order. */
export function fieldsOf(format: string | undefined): string[] {
  return [...(format || DEFAULT_FORMAT).matchAll(/\$\{([^${}\s]+)\}/g)].map((match) => match[1] ?? "");
}

/** A record of a flow log: its fields by name; fields that do not apply are absent. */
export interface FlowRecord {
  readonly id: string;
  /** When it was delivered, in milliseconds since 1970. */
  readonly at: number;
  readonly values: Readonly<Record<string, string>>;
}

/** Parse a line by the format of its flow log; undefined if it has another number of fields. */
export function parseRecord(id: string, at: number, line: string, fields: readonly string[]): FlowRecord | undefined {
  const words = line.trim().split(/\s+/);
  if (words.length !== fields.length) return undefined;
  const values: Record<string, string> = {};
  fields.forEach((field, index) => {
    const word = words[index];
    if (word !== undefined && word !== "-") values[field] = word;
  });
  return { id, at, values };
}

/** Whether a record describes a flow, rather than a window without data or with skipped records. */
export function describesFlow({ values }: FlowRecord): boolean {
  return values["action"] !== undefined || values["srcaddr"] !== undefined;
}

/** The end of a record's window, in milliseconds since 1970; the time of delivery if its format has no end. */
export function windowEnd({ at, values }: FlowRecord): number {
  const end = Number(values["end"]);
  return Number.isNaN(end) ? at : end * 1000;
}

/** "10.0.1.4:443"; only the address if the format or the protocol has no port. */
export function endOf(address: string | undefined, port: string | undefined): string {
  if (address === undefined) return "-";
  return port === undefined || port === "0" ? address : `${address}:${port}`;
}

const PROTOCOLS: Readonly<Record<string, string>> = { "1": "ICMP", "6": "TCP", "17": "UDP", "58": "ICMPv6" };

/** The name of a protocol; the IANA number of a less common one. */
export function protocolName(number: string | undefined): string {
  return number === undefined ? "-" : (PROTOCOLS[number] ?? number);
}

/** The paths of packets, by the numbers of the field traffic-path. */
const PATHS: Readonly<Record<string, string>> = {
  "1": "to another resource of the VPC",
  "7": "through a gateway endpoint",
  "8": "through the internet gateway",
};

export function pathName(number: string | undefined): string | undefined {
  return number === undefined ? undefined : PATHS[number];
}

export interface RecordFilter {
  readonly action: string;
  readonly networkInterface: string;
  readonly address: string;
  readonly port: string;
}

export const NO_FILTER: RecordFilter = { action: "", networkInterface: "", address: "", port: "" };

/** Whether a record matches the filter; an address may be given by its beginning ("10.0."). */
export function passes(record: FlowRecord, filter: RecordFilter): boolean {
  const { values } = record;
  const address = filter.address.trim();
  const port = filter.port.trim();
  if (filter.action !== "" && values["action"] !== filter.action) return false;
  if (filter.networkInterface !== "" && values["interface-id"] !== filter.networkInterface) return false;
  if (
    address !== "" &&
    !["srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"].some((field) => values[field]?.startsWith(address))
  )
    return false;
  return port === "" || values["srcport"] === port || values["dstport"] === port;
}

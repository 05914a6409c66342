import "./flow.css";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { formatBytes, formatTime } from "../../components/format";
import type { Column } from "../../components/ResourceTable";
import { IdLink } from "../IdLink";
import { endOf, type FlowRecord, pathName, protocolName, windowEnd } from "./records";

/** The columns of lists of flow records, in order. */
export const RECORD_COLUMNS: readonly Column<FlowRecord>[] = [
  {
    id: "end",
    header: "Window ends",
    cell: (record) => <span className="vpc-flow-whole">{formatTime(windowEnd(record))}</span>,
    value: windowEnd,
  },
  {
    id: "action",
    header: "Action",
    cell: ({ values }) => <Action action={values["action"]} status={values["log-status"]} />,
    value: ({ values }) => values["action"],
  },
  { id: "source", header: "Source", cell: source, value: source },
  {
    id: "destination",
    header: "Destination",
    cell: (record) => (
      <span title={pathName(record.values["traffic-path"])}>
        {destination(record)}
        {record.values["pkt-dst-aws-service"] && ` (${record.values["pkt-dst-aws-service"]})`}
      </span>
    ),
    value: destination,
  },
  { id: "protocol", header: "Protocol", cell: protocol, value: protocol },
  {
    id: "packets",
    header: "Packets",
    cell: ({ values }) => values["packets"] ?? "-",
    value: ({ values }) => Number(values["packets"] ?? 0),
  },
  {
    id: "bytes",
    header: "Bytes",
    cell: ({ values }) => (values["bytes"] === undefined ? "-" : formatBytes(Number(values["bytes"]))),
    value: ({ values }) => Number(values["bytes"] ?? 0),
  },
  {
    id: "interface",
    header: "Interface",
    cell: ({ values }) => <IdLink id={values["interface-id"]} />,
    value: ({ values }) => values["interface-id"],
  },
];

/** A record without data, or one of skipped records, has no action: its log status says which it is. */
function Action({ action, status = "-" }: { readonly action: string | undefined; readonly status?: string }) {
  if (action === undefined) return status;
  return (
    <span className="vpc-flow-whole">
      <StatusIndicator type={action === "ACCEPT" ? "success" : "error"}>{action}</StatusIndicator>
    </span>
  );
}

function source({ values }: FlowRecord): string {
  return endOf(values["srcaddr"], values["srcport"]);
}

function destination({ values }: FlowRecord): string {
  return endOf(values["dstaddr"], values["dstport"]);
}

function protocol({ values }: FlowRecord): string {
  return protocolName(values["protocol"]);
}

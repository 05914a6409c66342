import "./flow.css";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { formatBytes, formatTime } from "../../components/format";
import { IdLink } from "../IdLink";
import { type FlowRecord, pathName, protocolName } from "./format";

const ROW = 32;
const HEADS = ["Window ends", "Action", "From", "To", "Protocol", "Packets", "Bytes", "Interface"];

/** Records as a table of which only the rows in sight exist, so that tens of thousands stay smooth. */
export function RecordList({ records }: { readonly records: readonly FlowRecord[] }) {
  const scroll = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: records.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    getItemKey: (index) => records[index]?.id ?? index,
    overscan: 12,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="vpc-flow-scroll" ref={scroll} tabIndex={0} aria-label="Flow records">
      {/* biome-ignore lint/a11y/useSemanticElements: rows of a table element cannot be placed by a virtual list. */}
      <div className="vpc-flow-table" role="table" aria-label="Flow records" aria-rowcount={records.length + 1}>
        {/* biome-ignore lint/a11y/useSemanticElements: as above. */}
        <div role="rowgroup">
          {/* biome-ignore lint/a11y/useSemanticElements: as above. */}
          {/* biome-ignore lint/a11y/useFocusableInteractive: the region that scrolls has the focus. */}
          <div className="vpc-flow-row vpc-flow-head" role="row" aria-rowindex={1}>
            {HEADS.map((head) => (
              // biome-ignore lint/a11y/useSemanticElements: as above.
              // biome-ignore lint/a11y/useFocusableInteractive: as above.
              <span role="columnheader" key={head}>
                {head}
              </span>
            ))}
          </div>
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: as above. */}
        <div className="vpc-flow-body" role="rowgroup" style={{ blockSize: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const record = records[row.index];
            return record && <Row key={row.key} record={record} index={row.index} start={row.start} />;
          })}
        </div>
      </div>
    </section>
  );
}

interface RowProps {
  readonly record: FlowRecord;
  readonly index: number;
  readonly start: number;
}

function Row({ record, index, start }: RowProps) {
  const { values } = record;
  const end = Number(values["end"]);
  const action = values["action"];
  const cells = [
    formatTime(Number.isNaN(end) ? record.at : end * 1000),
    action === undefined ? (
      (values["log-status"] ?? "-")
    ) : (
      <StatusIndicator key="action" type={action === "ACCEPT" ? "success" : "error"}>
        {action}
      </StatusIndicator>
    ),
    endText(values["srcaddr"], values["srcport"]),
    <span key="to" title={pathName(values["traffic-path"])}>
      {endText(values["dstaddr"], values["dstport"])}
      {values["pkt-dst-aws-service"] && ` (${values["pkt-dst-aws-service"]})`}
    </span>,
    protocolName(values["protocol"]),
    values["packets"] ?? "-",
    values["bytes"] === undefined ? "-" : formatBytes(Number(values["bytes"])),
    <IdLink key="eni" id={values["interface-id"]} />,
  ];
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a table element cannot be placed by a virtual list.
    // biome-ignore lint/a11y/useFocusableInteractive: the region that scrolls has the focus.
    <div
      className="vpc-flow-row"
      role="row"
      aria-rowindex={index + 2}
      style={{ blockSize: ROW, transform: `translateY(${start}px)` }}
    >
      {cells.map((cell, column) => (
        // biome-ignore lint/a11y/useSemanticElements: as above.
        <span role="cell" key={HEADS[column]}>
          {cell}
        </span>
      ))}
    </div>
  );
}

function endText(address: string | undefined, port: string | undefined): string {
  if (address === undefined) return "-";
  return port === undefined || port === "0" ? address : `${address}:${port}`;
}

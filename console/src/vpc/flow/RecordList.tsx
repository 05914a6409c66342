import "./flow.css";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { RECORD_COLUMNS } from "./columns";
import type { FlowRecord } from "./records";

const ROW = 32;

/** Records as a table in which only the visible rows exist, so that it stays fast with tens of thousands. */
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
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className="vpc-flow-scroll" ref={scroll} tabIndex={0} aria-label="Flow records">
      {/* biome-ignore lint/a11y/useSemanticElements: rows of a table element cannot be placed by a virtual list. */}
      <div className="vpc-flow-table" role="table" aria-label="Flow records" aria-rowcount={records.length + 1}>
        {/* biome-ignore lint/a11y/useSemanticElements: as above. */}
        <div role="rowgroup">
          {/* biome-ignore lint/a11y/useSemanticElements: as above. */}
          {/* biome-ignore lint/a11y/useFocusableInteractive: the region that scrolls has the focus. */}
          <div className="vpc-flow-row vpc-flow-head" role="row" aria-rowindex={1}>
            {RECORD_COLUMNS.map(({ id, header }) => (
              // biome-ignore lint/a11y/useSemanticElements: as above.
              // biome-ignore lint/a11y/useFocusableInteractive: as above.
              <span role="columnheader" key={id}>
                {header}
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

/** The full text of a cell that may be cut off; times and sizes are short. */
function titleOf(value: string | number | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

interface RowProps {
  readonly record: FlowRecord;
  readonly index: number;
  readonly start: number;
}

function Row({ record, index, start }: RowProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a table element cannot be placed by a virtual list.
    // biome-ignore lint/a11y/useFocusableInteractive: the region that scrolls has the focus.
    <div
      className="vpc-flow-row"
      role="row"
      aria-rowindex={index + 2}
      style={{ blockSize: ROW, transform: `translateY(${start}px)` }}
    >
      {RECORD_COLUMNS.map((column) => (
        // biome-ignore lint/a11y/useSemanticElements: as above.
        <span role="cell" key={column.id} title={titleOf(column.value?.(record))}>
          {column.cell(record)}
        </span>
      ))}
    </div>
  );
}

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import Table from "@cloudscape-design/components/table";
import { type ReactNode, useState } from "react";
import { counted, formatNumber } from "../../components/format";
import { type ColumnWidth, widthOf } from "../../components/tableWidths";
import { useColumnWidths } from "../../components/useColumnWidths";
import { Bar } from "./Bar";

export interface DistributionRow {
  readonly id: string;
  readonly label: string;
  readonly count: number;
  /** The number of a type's colour. */
  readonly colour?: number | undefined;
}

interface Props {
  readonly title: string;
  readonly description?: ReactNode;
  /** What is counted: "Documents". */
  readonly countHeader: string;
  readonly labelHeader: string;
  readonly rows: readonly DistributionRow[];
  /** The total for the shares; by default the sum of the counts. */
  readonly total?: number;
  /** Makes each label a button; ``selectLabel`` describes what it does. */
  readonly onSelect?: (id: string) => void;
  readonly selectLabel?: (label: string) => string;
}

const PAGE = 10;
const BAR: ColumnWidth = { width: 168, minWidth: 112 };
const SHARE: ColumnWidth = { width: 88, minWidth: 88 };

/** How often each value occurs, most frequent first: a table with bars. */
export function DistributionChart(props: Props) {
  const { title, rows, onSelect, selectLabel } = props;
  const [page, setPage] = useState(1);
  const total = props.total ?? rows.reduce((sum, row) => sum + row.count, 0);
  const sorted = [...rows].sort((one, other) => other.count - one.count);
  const most = Math.max(sorted[0]?.count ?? 0, 1);
  const pages = Math.max(1, Math.ceil(sorted.length / PAGE));
  const shown = Math.min(page, pages);
  // The widths are those of all rows, not of those on one page.
  const labels = widthOf({ header: props.labelHeader, values: rows.map(({ label }) => label) });
  const columns = [labels, BAR, SHARE];
  const { ref, widths, idOf } = useColumnWidths(columns, { filling: 1 });
  const placed = (id: string, at: number) => ({ id: idOf(id), width: widths[at], minWidth: columns[at]?.minWidth });
  return (
    <div ref={ref}>
      <Table
        variant="container"
        wrapLines
        resizableColumns
        items={sorted.slice((shown - 1) * PAGE, shown * PAGE)}
        trackBy="id"
        header={
          <Header variant="h3" counter={`(${formatNumber(rows.length)})`} description={props.description}>
            {title}
          </Header>
        }
        pagination={
          pages > 1 && (
            <Pagination
              currentPageIndex={shown}
              pagesCount={pages}
              onChange={({ detail }) => setPage(detail.currentPageIndex)}
            />
          )
        }
        empty={<Box textAlign="center">Nothing to count.</Box>}
        columnDefinitions={[
          {
            ...placed("label", 0),
            header: props.labelHeader,
            isRowHeader: true,
            cell: (row) =>
              onSelect ? (
                <Button
                  variant="inline-link"
                  ariaLabel={selectLabel?.(row.label) ?? row.label}
                  onClick={() => onSelect(row.id)}
                >
                  <bdi>{row.label}</bdi>
                </Button>
              ) : (
                <bdi>{row.label}</bdi>
              ),
          },
          {
            ...placed("count", 1),
            header: props.countHeader,
            cell: (row) => <Bar share={row.count / most} value={formatNumber(row.count)} colour={row.colour} />,
          },
          {
            ...placed("share", 2),
            header: "Share",
            cell: (row) => (total === 0 ? "-" : `${((row.count / total) * 100).toFixed(1)}\u00a0%`),
          },
        ]}
        ariaLabels={{ tableLabel: `${title}, ${counted(rows.length, "row")}` }}
      />
    </div>
  );
}

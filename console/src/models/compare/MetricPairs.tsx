import { useMemo } from "react";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { Difference } from "./Difference";
import type { MetricPair } from "./sides";

interface Props {
  readonly title: string;
  readonly description?: string;
  /** The headings of the two sides. */
  readonly sides: readonly [string, string];
  readonly pairs: readonly MetricPair[];
  readonly empty: string;
}

/** The metrics of two models side by side, and which is better. */
export function MetricPairs({ title, description, sides: [first, second], pairs, empty }: Props) {
  const columns = useMemo(
    (): Column<MetricPair>[] => [
      { id: "name", header: "Metric", cell: ({ name }) => name },
      { id: "one", header: first, cell: ({ one }) => share(one) },
      { id: "other", header: second, cell: ({ other }) => share(other) },
      { id: "difference", header: "Difference", cell: (pair) => <Difference {...pair} />, width: 150 },
      { id: "meaning", header: "Meaning", cell: ({ meaning }) => meaning, width: 280 },
    ],
    [first, second],
  );
  return (
    <ResourceTable
      title={title}
      description={description}
      noun="metric"
      name="compared-metrics"
      items={pairs}
      columns={columns}
      keyOf={({ name }) => name}
      short
      empty={empty}
    />
  );
}

/** A share of 1 with four digits. */
export function share(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(4);
}

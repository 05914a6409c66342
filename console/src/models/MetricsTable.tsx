import Header from "@cloudscape-design/components/header";
import Table from "@cloudscape-design/components/table";
import type { Metric } from "./metrics";

/** The metrics of a model, with their meanings. */
export function MetricsTable({ title, metrics }: { readonly title: string; readonly metrics: readonly Metric[] }) {
  return (
    <Table
      variant="container"
      wrapLines
      items={metrics}
      trackBy="name"
      header={<Header variant="h2">{title}</Header>}
      columnDefinitions={[
        { id: "name", header: "Metric", cell: ({ name }) => name, isRowHeader: true },
        { id: "value", header: "Value", cell: ({ value }) => value },
        { id: "meaning", header: "Meaning", cell: ({ meaning }) => meaning },
      ]}
    />
  );
}

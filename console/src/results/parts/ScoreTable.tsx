import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Table from "@cloudscape-design/components/table";
import type { ReactNode } from "react";
import { Bar } from "./Bar";

export interface ScoreRow {
  readonly label: string;
  /** Between 0 and 1. */
  readonly score: number;
  /** The format of the score; by default a percentage. */
  readonly text?: string;
  /** The number of a type's colour. */
  readonly colour?: number;
}

interface Props {
  readonly title: string;
  readonly labelHeader: string;
  readonly scoreHeader?: string;
  readonly rows: readonly ScoreRow[];
  readonly description?: ReactNode;
}

/** Scores with bars, in the given order. */
export function ScoreTable({ title, labelHeader, scoreHeader = "Score", rows, description }: Props) {
  return (
    <Table
      variant="embedded"
      wrapLines
      items={[...rows]}
      header={
        <Header variant="h3" description={description}>
          {title}
        </Header>
      }
      empty={<Box textAlign="center">No score.</Box>}
      columnDefinitions={[
        { id: "label", header: labelHeader, isRowHeader: true, minWidth: 120, cell: (row) => <bdi>{row.label}</bdi> },
        {
          id: "score",
          header: scoreHeader,
          cell: (row) => (
            <Bar share={row.score} value={row.text ?? `${(row.score * 100).toFixed(1)} %`} colour={row.colour} />
          ),
        },
      ]}
      ariaLabels={{ tableLabel: title }}
    />
  );
}

import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { useMemo } from "react";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { findsMentions, hasTypes } from "../../kinds/results";
import type { ResultKind } from "../../kinds/rows.generated";
import type { Finding } from "../reading/records";
import { percent, typeLabel } from "./labels";

interface Found {
  readonly finding: Finding;
  readonly number: number;
}

interface Props {
  readonly kind: ResultKind;
  readonly found: readonly Found[];
  readonly all: readonly Finding[];
  readonly misplaced: readonly number[];
  readonly chosen: number | undefined;
  readonly onChoose: (number: number | undefined) => void;
}

const LONGEST = 200;

const keyOf = ({ number }: Found): string => String(number);
const textOf = ({ finding }: Found): string => (finding.text ?? "").slice(0, LONGEST);

/** The findings of a document, with scores; each links to its position in the text. */
export function FindingsTable({ kind, found, all, misplaced, chosen, onChoose }: Props) {
  const columns = useMemo(
    () => columnsOf({ kind, all, misplaced, chosen, onChoose }),
    [kind, all, misplaced, chosen, onChoose],
  );
  return (
    <ResourceTable
      title="What was found"
      noun="finding"
      headerVariant="h3"
      embedded
      items={found}
      columns={columns}
      keyOf={keyOf}
      pageSize={15}
      empty={<Box>Nothing was found in this document, or the filter hides it.</Box>}
    />
  );
}

function columnsOf({ kind, all, misplaced, chosen, onChoose }: Omit<Props, "found">): Column<Found>[] {
  const lost = new Set(misplaced);
  const names = findsMentions(kind) ? groupNames(all) : new Map<number, string>();
  const columns: Column<Found>[] = [
    {
      id: "text",
      header: "Text",
      width: 144,
      value: textOf,
      cell: (each) =>
        lost.has(each.number) ? (
          <>
            <bdi>{textOf(each)}</bdi> <Badge color="severity-medium">not in the text</Badge>
          </>
        ) : (
          <Button
            variant="inline-link"
            ariaLabel={`Show "${textOf(each)}" in the text`}
            onClick={() => onChoose(each.number === chosen ? undefined : each.number)}
          >
            <bdi>{textOf(each) || "(empty)"}</bdi>
          </Button>
        ),
    },
  ];
  if (hasTypes(kind)) {
    columns.push({
      id: "type",
      header: "Type",
      value: ({ finding }) => typeLabel(kind, finding.type),
      cell: ({ finding }) => <bdi>{typeLabel(kind, finding.type)}</bdi>,
    });
  }
  if (findsMentions(kind)) {
    const thing = ({ finding }: Found): string => names.get(finding.group ?? -1) ?? "";
    columns.push(
      { id: "thing", header: "Mentions", value: thing, cell: (each) => <bdi>{thing(each)}</bdi> },
      {
        id: "tone",
        header: "Sentiment",
        value: ({ finding }) => finding.tone ?? "",
        cell: ({ finding }) => finding.tone ?? "-",
      },
    );
  }
  columns.push(
    {
      id: "score",
      header: "Score",
      value: ({ finding }) => finding.score,
      cell: ({ finding }) => percent(finding.score),
    },
    {
      id: "place",
      header: "Position",
      value: ({ finding }) => finding.begin ?? -1,
      cell: ({ finding }) => (finding.begin === undefined ? "-" : `${finding.begin} to ${finding.end}`),
    },
  );
  return columns;
}

/** Each entity of a document, with the best name for it. */
function groupNames(findings: readonly Finding[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const { group, best, text } of findings) {
    if (group === undefined || text === undefined) continue;
    if (best || !names.has(group)) names.set(group, text.slice(0, LONGEST));
  }
  return names;
}

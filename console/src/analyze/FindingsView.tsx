import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { typeColour } from "../components/typeColours";
import { RESULTS } from "../kinds/rows.generated";
import { type Finding, formatScore } from "./findings";
import type { Kind } from "./kinds";
import { MarkedText } from "./MarkedText";
import type { Mark } from "./marks";

interface Props {
  readonly kind: Kind;
  readonly text: string;
  readonly findings: readonly Finding[];
}

/** The text with the findings marked, their types with counts, and the findings as a table. */
export function FindingsView({ kind, text, findings }: Props) {
  const many = RESULTS[kind.id].many;
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const finding of findings) found.set(colourName(finding), (found.get(colourName(finding)) ?? 0) + 1);
    return found;
  }, [findings]);
  const marks = useMemo<Mark[]>(
    () =>
      findings.map((finding) => ({
        key: finding.key,
        begin: finding.begin,
        end: finding.end,
        label: labelOf(finding),
        colour: typeColour(colourName(finding)),
      })),
    [findings],
  );
  if (findings.length === 0) {
    return (
      <Box variant="p">
        No {many} in this text. Try a longer text, or another language if the text is in another one.
      </Box>
    );
  }
  return (
    <SpaceBetween size="l">
      <MarkedText text={text} marks={marks} name={`Analyzed text with ${many}`} />
      {!counts.has("") && (
        <ul className="marked-text-legend" aria-label={`Types of ${many}`}>
          {[...counts].sort().map(([name, count]) => (
            <li key={name} className={`type-colour-${typeColour(name)}`}>
              <span className="marked-text-mark">{name}</span> {count}
            </li>
          ))}
        </ul>
      )}
      <ResourceTable
        title="Results"
        noun="result"
        headerVariant="h3"
        items={findings}
        keyOf={({ key }) => key}
        columns={columnsOf(kind)}
        pageSize={10}
        empty={`No ${many}.`}
      />
    </SpaceBetween>
  );
}

/** What determines a mark's colour: a mention's sentiment, or the type of any other finding. */
function colourName({ type, mention }: Finding): string {
  return mention?.sentiment ?? type ?? "";
}

function labelOf({ type, mention }: Finding): string | undefined {
  if (mention === undefined) return type;
  return [type, mention.sentiment].filter(Boolean).join(" ");
}

function columnsOf(kind: Kind): Column<Finding>[] {
  const { layout, typeMember, type: typeHeader } = RESULTS[kind.id];
  const text: Column<Finding> = {
    id: "text",
    header: kind.id === "entities" ? "Entity" : "Text",
    cell: ({ text }) => <bdi>{text}</bdi>,
    value: ({ text }) => text,
  };
  const score: Column<Finding> = {
    id: "score",
    header: "Score",
    cell: ({ score }) => formatScore(score),
    value: ({ score }) => score,
  };
  const type: Column<Finding> = {
    id: "type",
    header: typeHeader,
    cell: ({ type }) => type ?? "-",
    value: ({ type }) => type,
  };
  const place: Column<Finding> = {
    id: "place",
    header: "Offsets",
    cell: ({ begin, end }) => `${begin}–${end}`,
    value: ({ begin }) => begin,
  };
  if (layout === "offsets") return [type, score, place];
  if (typeMember === undefined) return [text, score, place];
  if (layout !== "mentions") return [text, type, score, place];
  return [
    text,
    {
      id: "entity",
      header: "Entity",
      cell: ({ mention }) => (
        <>
          {mention?.entity}. <bdi>{mention?.name}</bdi>
        </>
      ),
      value: ({ mention }) => mention?.entity,
    },
    type,
    {
      id: "sentiment",
      header: "Sentiment",
      cell: ({ mention }) => `${mention?.sentiment ?? "-"} ${formatScore(mention?.sentimentScore)}`,
      value: ({ mention }) => mention?.sentiment,
    },
    score,
    {
      id: "group",
      header: "Group score",
      cell: ({ mention }) => formatScore(mention?.groupScore),
      value: ({ mention }) => mention?.groupScore,
    },
    place,
  ];
}

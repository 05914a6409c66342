import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import LiveRegion from "@cloudscape-design/components/live-region";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { counted, formatDuration } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { AnswerView } from "./AnswerView";
import { type BatchRow, rowsOf } from "./batch";
import type { BatchRequest, Timed } from "./calls";
import type { BatchAnswer } from "./findings";
import { Integration } from "./Integration";
import type { Kind } from "./kinds";
import { excerpt } from "./text";

interface Props {
  readonly kind: Kind;
  readonly request: BatchRequest;
  readonly answer: Timed<BatchAnswer>;
}

const COLUMNS: Column<BatchRow>[] = [
  { id: "index", header: "Text", cell: ({ index }) => index + 1, value: ({ index }) => index },
  {
    id: "text",
    header: "Begins with",
    cell: ({ text }) => <bdi>{excerpt(text, 60)}</bdi>,
    value: ({ text }) => text,
  },
  {
    id: "result",
    header: "Result",
    cell: ({ summary, error }) =>
      error === undefined ? (
        <bdi>{summary}</bdi>
      ) : (
        <StatusIndicator type="error">{`${error.code}: ${error.message}`}</StatusIndicator>
      ),
    value: ({ summary, error }) => error?.code ?? summary,
  },
];

/** The results of a batch; the chosen text is shown like a single one. */
export function BatchResults({ kind, request, answer }: Props) {
  const rows = rowsOf(request.TextList, answer.value);
  const [chosen, setChosen] = useState(0);
  const shown = rows[chosen];
  const failed = rows.filter(({ error }) => error !== undefined).length;
  return (
    <SpaceBetween size="l">
      <ResourceTable
        title="Results"
        noun="text"
        description={`${kind.batch} answered in ${formatDuration(answer.milliseconds)}. Choose a text to see its whole result.`}
        items={rows}
        columns={COLUMNS}
        keyOf={({ index }) => `Text ${index + 1}`}
        selection="single"
        selected={shown === undefined ? [] : [shown]}
        onSelect={([row]) => row !== undefined && setChosen(row.index)}
        empty="No texts."
      />
      <Container header={<Header variant="h2">{`Text ${chosen + 1}`}</Header>}>
        <LiveRegion hidden>
          {`${kind.batch}: ${counted(rows.length - failed, "result")}, ${counted(failed, "error")}`}
        </LiveRegion>
        <SpaceBetween size="l">
          {shown?.answer !== undefined && <AnswerView kind={kind} text={shown.text} answer={shown.answer} />}
          {shown?.error !== undefined && (
            <StatusIndicator type="error">{`${shown.error.code}: ${shown.error.message}`}</StatusIndicator>
          )}
          <Integration
            operation={kind.batch ?? ""}
            request={request}
            response={answer.value}
            requestId={answer.requestId}
          />
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}

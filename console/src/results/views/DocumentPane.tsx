import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted } from "../../components/format";
import { RouterLink } from "../../components/RouterLink";
import { typeColour } from "../../components/typeColours";
import type { JobProperties } from "../../jobs/properties";
import { findsEvents, findsPlaces, hasTypes } from "../../kinds/results";
import { RESULTS, type ResultKind } from "../../kinds/rows.generated";
import { type DocumentText, NoText } from "../document/documentText";
import type { InputFile } from "../document/inputFiles";
import { hasBoxes } from "../pages/marks";
import { PagesView } from "../pages/PagesView";
import { type ScoreRow, ScoreTable } from "../parts/ScoreTable";
import type { ExtractedText } from "../reading/extracted";
import { isShown, type ResultFilter } from "../reading/filter";
import { type Finding, scoreName, TONES } from "../reading/records";
import type { PlacedRecord } from "../worker/messages";
import { EventTimeline } from "./EventTimeline";
import { FindingsTable } from "./FindingsTable";
import { HighlightedText } from "./HighlightedText";
import { Legend } from "./Legend";
import { capital, placeOf, type TopicNames, typeLabel } from "./labels";
import { topicNames } from "./topics";
import type { OpenArchive } from "./useArchive";
import { useDocumentText } from "./useDocumentText";

interface Props {
  readonly kind: ResultKind;
  readonly job: JobProperties;
  readonly archive: OpenArchive;
  readonly filter: ResultFilter;
  readonly number: number;
}

const NONE: readonly number[] = [];

/** A document: its text with the findings marked, and the findings with their scores. */
export function DocumentPane({ kind, job, archive, filter, number }: Props) {
  const record = useQuery({
    queryKey: ["results", "record", archive.id, number],
    queryFn: () => archive.client.ask("record", { number }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
  });
  const { text, error, loading, again } = useDocumentText(job, archive, record.data);
  if (record.error) return <ErrorAlert what="The document's result cannot be read" error={record.error} />;
  if (record.data === undefined) return <Spinner />;
  const title = placeOf(record.data);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={
            text?.file && <RouterLink to={`/s3/${encodeURIComponent(text.file.bucket)}`}>{text.file.key}</RouterLink>
          }
        >
          <bdi>{title}</bdi>
        </Header>
      }
    >
      <SpaceBetween size="m">
        {record.data.error && (
          <Alert type="warning" header={record.data.error.code}>
            <bdi>{record.data.error.message}</bdi>
          </Alert>
        )}
        {error instanceof NoText && record.data.error === undefined && (
          <Alert type="info" header="The document's text cannot be shown">
            {error.message}
          </Alert>
        )}
        {error != null && !(error instanceof NoText) && (
          <ErrorAlert what="The document's text cannot be shown" error={error} onRetry={again} />
        )}
        {loading && (
          <Box>
            <Spinner /> Reading the document's text
          </Box>
        )}
        {text && <TextNotes text={text} />}
        <Found key={number} kind={kind} archive={archive} filter={filter} record={record.data} text={text} />
      </SpaceBetween>
    </Container>
  );
}

function TextNotes({ text: { file, newer, alike, placement, extracted } }: { readonly text: DocumentText }) {
  const lost = placement.misplaced.length;
  if (extracted !== undefined) {
    return (
      <>
        {newer && (
          <Alert type="warning" header="The document has changed since the job read it">
            The object was written again after the job ended. The text below is what the job read; the pages are those
            of the object now.
          </Alert>
        )}
        {file === undefined && (
          <Alert type="info">The object is no longer in the job's input. The text below is what the job read.</Alert>
        )}
      </>
    );
  }
  return (
    <>
      {(newer || lost > 0) && (
        <Alert type="warning" header="The text has changed since the job read it">
          {newer && "The object was written again after the job ended. "}
          {lost > 0 &&
            `${counted(lost, "finding has", "findings have")} no position in it any more and ${lost === 1 ? "is" : "are"} not marked. `}
          Restore the earlier text, or run the job again.
        </Alert>
      )}
      {alike > 1 && (
        <Box variant="small">
          {alike} objects of the input have this name. This is the one that matches the findings best.
        </Box>
      )}
    </>
  );
}

interface FoundProps extends Pick<Props, "kind" | "archive" | "filter"> {
  readonly record: PlacedRecord;
  readonly text: DocumentText | undefined;
}

function Found({ kind, archive, filter, record, text }: FoundProps) {
  const [chosen, setChosen] = useState<number>();
  const topics = useMemo(() => topicNames(archive.summary), [archive]);
  const shown = useMemo(
    () =>
      record.findings.map((finding, number) => ({ finding, number })).filter(({ finding }) => isShown(finding, filter)),
    [record, filter],
  );
  const numbers = useMemo(() => new Set(shown.map(({ number }) => number)), [shown]);
  const placed = useMemo(
    () => text?.placement.placed.filter(({ number }) => numbers.has(number)) ?? [],
    [text, numbers],
  );
  const together = useMemo(() => pointedOut(record, chosen), [record, chosen]);
  const inText = findsPlaces(kind);
  const [asPages, setAsPages] = useState(true);
  const paged = useMemo(() => pagesOf(text), [text]);
  const colour = (finding: Finding): number => typeColour(finding.tone ?? finding.type);
  return (
    <SpaceBetween size="m">
      {inText && <Legend kind={kind} findings={shown.map(({ finding }) => finding)} colour={colour} />}
      {paged && (
        <SegmentedControl
          label="Show the document as"
          selectedId={asPages ? "pages" : "text"}
          options={[
            { id: "pages", text: "Pages" },
            { id: "text", text: "Text" },
          ]}
          onChange={({ detail }) => setAsPages(detail.selectedId === "pages")}
        />
      )}
      {paged && asPages && (
        <PagesView
          {...paged}
          placed={placed}
          colour={colour}
          tag={(finding) => tagOf(kind, finding)}
          chosen={together}
          label={placeOf(record)}
        />
      )}
      {text && !(paged && asPages) && (
        <HighlightedText
          text={text.text}
          placed={placed}
          colour={colour}
          tag={(finding) => tagOf(kind, finding)}
          chosen={together}
          label={`Text of ${placeOf(record)}`}
        />
      )}
      {findsEvents(kind) && <EventTimeline found={shown} chosen={chosen} onChoose={setChosen} />}
      {inText ? (
        <FindingsTable
          kind={kind}
          found={shown}
          all={record.findings}
          misplaced={text?.placement.misplaced ?? NONE}
          chosen={chosen}
          onChoose={setChosen}
        />
      ) : (
        <ScoreTable
          title={RESULTS[kind].layout === "tone" ? "Scores" : `${capital(RESULTS[kind].many)} of this document`}
          labelHeader={RESULTS[kind].type}
          scoreHeader={kind === "topics" ? "Share" : "Score"}
          rows={scoresOf(kind, record, topics)}
        />
      )}
    </SpaceBetween>
  );
}

/** The object with the pages of a document, if there is one that shows where its text is. */
function pagesOf(text: DocumentText | undefined): { file: InputFile; extracted: ExtractedText } | undefined {
  if (text?.file === undefined || text.extracted === undefined || text.part || !hasBoxes(text.extracted))
    return undefined;
  return { file: text.file, extracted: text.extracted };
}

/** A chosen mention highlights every mention of the same entity. */
function pointedOut(record: PlacedRecord, chosen: number | undefined): ReadonlySet<number> {
  const finding = chosen === undefined ? undefined : record.findings[chosen];
  if (finding === undefined || chosen === undefined) return new Set();
  if (finding.group === undefined) return new Set([chosen]);
  return new Set(record.findings.flatMap(({ group }, number) => (group === finding.group ? [number] : [])));
}

function tagOf(kind: ResultKind, finding: Finding): string {
  if (!hasTypes(kind)) return "";
  return finding.tone ?? finding.type;
}

function scoresOf(kind: ResultKind, record: PlacedRecord, topics: TopicNames): ScoreRow[] {
  if (RESULTS[kind].layout === "tone" && record.toneScores) {
    return TONES.map((tone) => ({
      label: tone,
      score: record.toneScores?.[scoreName(tone)] ?? 0,
      colour: typeColour(tone),
    }));
  }
  return record.findings.map(({ type, score }) => ({ label: typeLabel(kind, type, topics), score }));
}

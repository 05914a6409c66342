import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMemo } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatNumber, formatTime } from "../../components/format";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { type Fact, SideBySide } from "../../components/SideBySide";
import { deletionWord, type Model, statusOf } from "../model";
import { Difference } from "./Difference";
import { MetricPairs, share } from "./MetricPairs";
import { type LabelPair, labelPairs, metricPairs, sameTest } from "./sides";
import { useLabelScores } from "./useLabelScores";

interface Props {
  readonly one: Model;
  readonly other: Model;
}

/** Two models of the same type side by side: their metrics, the scores of each label, and how they were trained. */
export function Comparison({ one, other }: Props) {
  const [first, second] = sideNames(one, other);
  const metrics = useMemo(() => metricPairs(one, other), [one, other]);
  const [left, right] = useMemo(() => [factsOf(one), factsOf(other)], [one, other]);
  return (
    <SpaceBetween size="l">
      <TestNote one={one} other={other} />
      <MetricPairs
        title="Metrics"
        sides={[first, second]}
        pairs={metrics}
        empty="Neither model has metrics: only a trained model has them."
      />
      <Labels one={one} other={other} first={first} second={second} />
      <SideBySide title="Trainings" sides={[first, second]} one={left} other={right} />
    </SpaceBetween>
  );
}

/** The headings of the two sides: the versions, or the whole names if these differ. */
export function sideNames(one: Model, other: Model): readonly [string, string] {
  if (one.name === other.name && one.version !== undefined && other.version !== undefined)
    return [one.version, other.version];
  return [deletionWord(one), deletionWord(other)];
}

/** Says how far metrics can be compared that were measured on different documents. */
function TestNote({ one, other }: Props) {
  if (sameTest(one, other)) return null;
  const counts = [one, other].map(
    ({ classifier, recognizer }) =>
      (classifier?.ClassifierMetadata ?? recognizer?.RecognizerMetadata)?.NumberOfTestDocuments,
  );
  const known = counts.every((count) => count !== undefined)
    ? ` (${counts.map((count) => formatNumber(count)).join(" and ")} documents)`
    : "";
  return (
    <Alert type="info" header="The models were not measured on the same test dataset">
      Each was tested on documents of its own{known}, so small differences may come from the documents. To compare
      exactly, train both with the same test dataset.
    </Alert>
  );
}

interface LabelsProps extends Props {
  readonly first: string;
  readonly second: string;
}

function Labels({ one, other, first, second }: LabelsProps) {
  const left = useLabelScores(one, first);
  const right = useLabelScores(other, second);
  const pairs = useMemo(() => labelPairs(left.scores, right.scores), [left.scores, right.scores]);
  const columns = useMemo(() => columnsOfLabels(first, second), [first, second]);
  if (left.loading || right.loading)
    return <StatusIndicator type="loading">Reading the scores by label</StatusIndicator>;
  const notes = [left.why, right.why].filter((why) => why !== undefined);
  return (
    <SpaceBetween size="m">
      {[left, right].map(({ error }, at) =>
        error === null ? null : (
          <ErrorAlert
            key={[first, second][at]}
            what={`The scores of ${[first, second][at]} cannot be read`}
            error={error}
          />
        ),
      )}
      {notes.length > 0 && <Alert type="info">{notes.join(" ")}</Alert>}
      <ResourceTable
        title={one.kind === "recognizer" ? "Entity types" : "Labels"}
        noun={one.kind === "recognizer" ? "type" : "label"}
        name="compared-labels"
        items={pairs}
        columns={columns}
        keyOf={({ label }) => label}
        empty={one.kind === "recognizer" ? "The trainings report no types." : "Neither model has scores by label."}
      />
    </SpaceBetween>
  );
}

function columnsOfLabels(first: string, second: string): Column<LabelPair>[] {
  const score = (id: "precision" | "recall" | "f1", side: "one" | "other", header: string): Column<LabelPair> => ({
    id: `${id}-${side}`,
    header,
    cell: (pair) => share(pair[side]?.[id]),
    value: (pair) => pair[side]?.[id],
  });
  return [
    { id: "label", header: "Label", cell: ({ label }) => <bdi>{label}</bdi>, value: ({ label }) => label },
    score("f1", "one", `F1 of ${first}`),
    score("f1", "other", `F1 of ${second}`),
    {
      id: "difference",
      header: "Difference",
      cell: ({ one, other }) =>
        one === undefined || other === undefined ? (
          `only in ${one === undefined ? second : first}`
        ) : (
          <Difference one={one.f1} other={other.f1} />
        ),
      value: ({ one, other }) => (other?.f1 ?? 0) - (one?.f1 ?? 0),
      width: 150,
    },
    score("precision", "one", `Precision of ${first}`),
    score("precision", "other", `Precision of ${second}`),
    score("recall", "one", `Recall of ${first}`),
    score("recall", "other", `Recall of ${second}`),
  ];
}

function factsOf(model: Model): Fact[] {
  const { classifier, recognizer } = model;
  const metadata = classifier?.ClassifierMetadata ?? recognizer?.RecognizerMetadata;
  const count = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : formatNumber(value);
  const [input, data] = [classifier?.InputDataConfig, recognizer?.InputDataConfig];
  return [
    ["Status", statusOf(model.status).label],
    ["Training ended", model.trainingEnded && formatTime(model.trainingEnded)],
    ["Language", model.language],
    ["Mode", classifier?.Mode],
    ["Labels", count(classifier?.ClassifierMetadata?.NumberOfLabels)],
    ["Entity types", count(recognizer?.RecognizerMetadata?.EntityTypes?.length)],
    ["Training documents", count(metadata?.NumberOfTrainedDocuments)],
    ["Test documents", count(metadata?.NumberOfTestDocuments)],
    ["Training dataset", input?.S3Uri ?? data?.Documents?.S3Uri],
    ["Test dataset", input?.TestS3Uri ?? data?.Documents?.TestS3Uri],
    ["Annotations", data?.Annotations?.S3Uri],
    ["Entity list", data?.EntityList?.S3Uri],
    ["Imported from", model.source],
  ];
}

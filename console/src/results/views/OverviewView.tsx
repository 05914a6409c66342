import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { formatBytes, formatNumber } from "../../components/format";
import { typeColour } from "../../components/typeColours";
import { findsLanguages, findsMentions, hasTypes, judgesDocuments } from "../../kinds/results";
import { RESULTS, type ResultKind } from "../../kinds/rows.generated";
import { DistributionChart, type DistributionRow } from "../parts/DistributionChart";
import type { ResultFilter } from "../reading/filter";
import { LABEL_HOLDS } from "../reading/recordIndex";
import type { ResultSummary } from "../reading/resultReader";
import { capital, percent, typeLabel } from "./labels";

interface Props {
  readonly kind: ResultKind;
  readonly summary: ResultSummary;
  /** Show the documents that match a part of the filter. */
  readonly onShow: (filter: Partial<ResultFilter>) => void;
}

/** The whole result at a glance: how many documents, and how often what was found. */
export function OverviewView({ kind, summary, onShow }: Props) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Summary</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Documents", value: formatNumber(summary.records) },
            { label: "With an error", value: formatNumber(summary.errors) },
            foundInAll(kind, summary),
            { label: "Size of the results", value: formatBytes(summary.textBytes) },
          ]}
        />
      </Container>
      <Charts kind={kind} summary={summary} onShow={onShow} />
    </SpaceBetween>
  );
}

/** The number of findings; for kinds with one result per document, the number of different results. */
function foundInAll(kind: ResultKind, summary: ResultSummary) {
  if (!judgesDocuments(kind))
    return { label: `${capital(RESULTS[kind].many)} found`, value: formatNumber(summary.findings) };
  return { label: `Different ${RESULTS[kind].many}`, value: formatNumber(summary.types.length) };
}

function Charts({ kind, summary, onShow }: Props) {
  const byDocument = judgesDocuments(kind);
  const toDocuments = (label: string): string => `Show the documents with ${label}`;
  const types: DistributionRow[] = summary.types
    .map(({ type, findings, leading }) => ({
      id: type,
      label: typeLabel(kind, type),
      count: byDocument ? leading : findings,
      ...(!findsLanguages(kind) && { colour: typeColour(type) }),
    }))
    .filter(({ count }) => count > 0);
  const description = byDocument
    ? summary.several
      ? `Labels whose score is ${percent(LABEL_HOLDS)} or more.`
      : "The one with the highest score of each document."
    : `How many ${RESULTS[kind].many} of each type.`;
  return (
    <ColumnLayout columns={!hasTypes(kind) || byDocument ? 1 : 2}>
      {hasTypes(kind) && (
        <DistributionChart
          title={byDocument ? `Documents by ${RESULTS[kind].one}` : "Types"}
          description={description}
          labelHeader={RESULTS[kind].type}
          countHeader={byDocument ? "Documents" : "Found"}
          rows={types}
          {...(byDocument && { total: summary.records })}
          onSelect={(type) => onShow({ types: [type] })}
          selectLabel={toDocuments}
        />
      )}
      {findsMentions(kind) && (
        <DistributionChart
          title="Sentiment of the mentions"
          labelHeader="Sentiment"
          countHeader="Mentions"
          rows={summary.tones.map(({ tone, findings }) => ({
            id: tone,
            label: tone,
            count: findings,
            colour: typeColour(tone),
          }))}
          onSelect={(tone) => onShow({ tones: summary.tones.map((each) => each.tone).filter((each) => each === tone) })}
          selectLabel={toDocuments}
        />
      )}
      {!byDocument && (
        <DistributionChart
          title="Most frequent"
          description={
            summary.frequentPartial
              ? "There are so many different texts that some counts may be too low."
              : "The texts that were found most often."
          }
          labelHeader="Text"
          countHeader="Found"
          total={summary.findings}
          rows={summary.frequent.map(({ text, type, count }) => ({
            id: text,
            label: !hasTypes(kind) ? text : `${text} (${typeLabel(kind, type)})`,
            count,
          }))}
          onSelect={(text) => onShow({ search: text })}
          selectLabel={toDocuments}
        />
      )}
    </ColumnLayout>
  );
}

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { counted, formatNumber } from "../../components/format";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import type { JobKind } from "../../jobs/kinds";
import { hasTypes, judgesDocuments } from "../../kinds/results";
import { RESULTS } from "../../kinds/rows.generated";
import type { IndexSummary } from "../reading/recordIndex";
import { capital, typeLabel } from "../views/labels";
import type { Comparison } from "./compare";
import { DifferencesTable } from "./DifferencesTable";
import { COMPARE_LIMITS } from "./limits";

interface Props {
  readonly kind: JobKind;
  readonly comparison: Comparison;
  readonly summaries: readonly [IndexSummary, IndexSummary];
  readonly ids: readonly [string, string];
  readonly names: readonly [string, string];
}

/** What one job found and the other did not: in total, by type, and by document. */
export function ComparisonView({ kind, comparison, summaries, ids, names }: Props) {
  const { many } = RESULTS[kind.slug];
  const { documents, both, onlyOne, onlyOther, changed } = comparison;
  const [first, second] = names;
  return (
    <SpaceBetween size="l">
      {comparison.cut && (
        <Alert type="warning" header="Not all documents were compared" data-testid="cut">
          The first {counted(documents.compared, "document")} that both results have were compared: at most{" "}
          {formatNumber(COMPARE_LIMITS.documents)} documents and {formatNumber(COMPARE_LIMITS.findings)} findings of
          each result are, and only what was read of it. The totals of each job are of all that was read.
        </Alert>
      )}
      <Container header={<Header variant="h2">Summary</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Documents compared", value: formatNumber(documents.compared) },
            { label: "Documents that differ", value: formatNumber(documents.different) },
            { label: `${capital(many)} of both`, value: formatNumber(both) },
            ...(hasTypes(kind.slug) ? [{ label: "With another label", value: formatNumber(changed) }] : []),
            { label: `Only in ${first}`, value: formatNumber(onlyOne) },
            { label: `Only in ${second}`, value: formatNumber(onlyOther) },
            ...(documents.onlyOne + documents.onlyOther === 0
              ? []
              : [
                  { label: `Documents only in ${first}`, value: formatNumber(documents.onlyOne) },
                  { label: `Documents only in ${second}`, value: formatNumber(documents.onlyOther) },
                ]),
          ]}
        />
      </Container>
      {hasTypes(kind.slug) && <Types kind={kind} comparison={comparison} summaries={summaries} names={names} />}
      <DifferencesTable kind={kind} comparison={comparison} ids={ids} names={names} />
    </SpaceBetween>
  );
}

interface TypeRow {
  readonly type: string;
  readonly one: number;
  readonly other: number;
  readonly both: number;
  readonly onlyOne: number;
  readonly onlyOther: number;
}

/** The types of both results: all that was found, and what was compared. */
export function typeRows(
  { types }: Comparison,
  [one, other]: readonly [IndexSummary, IndexSummary],
  byDocument: boolean,
): TypeRow[] {
  const total = (summary: IndexSummary, type: string): number => {
    const found = summary.types.find((each) => each.type === type);
    return (byDocument ? found?.leading : found?.findings) ?? 0;
  };
  const names = new Set([...types, ...one.types, ...other.types].map(({ type }) => type));
  const compared = new Map(types.map((each) => [each.type, each]));
  return [...names]
    .map((type) => {
      const { both = 0, onlyOne = 0, onlyOther = 0 } = compared.get(type) ?? {};
      return { type, one: total(one, type), other: total(other, type), both, onlyOne, onlyOther };
    })
    .filter(({ one: left, other: right }) => left + right > 0)
    .sort((left, right) => right.one + right.other - left.one - left.other || left.type.localeCompare(right.type));
}

function Types({ kind, comparison, summaries, names: [first, second] }: Omit<Props, "ids">) {
  const byDocument = judgesDocuments(kind.slug);
  const rows = useMemo(() => typeRows(comparison, summaries, byDocument), [comparison, summaries, byDocument]);
  const columns = useMemo((): Column<TypeRow>[] => {
    const number = (id: Exclude<keyof TypeRow, "type">, header: string): Column<TypeRow> => ({
      id,
      header,
      cell: (row) => formatNumber(row[id]),
      value: (row) => row[id],
    });
    return [
      {
        id: "type",
        header: RESULTS[kind.slug].type,
        cell: ({ type }) => <bdi>{typeLabel(kind.slug, type)}</bdi>,
        value: ({ type }) => typeLabel(kind.slug, type),
      },
      number("one", first),
      number("other", second),
      {
        id: "difference",
        header: "Difference",
        cell: ({ one, other }) => signed(other - one),
        value: ({ one, other }) => other - one,
      },
      number("both", "In both"),
      number("onlyOne", `Only in ${first}`),
      number("onlyOther", `Only in ${second}`),
    ];
  }, [kind, first, second]);
  return (
    <ResourceTable
      title={byDocument ? `Documents by ${RESULTS[kind.slug].one}` : "Types"}
      noun="type"
      name="compared-types"
      items={rows}
      columns={columns}
      keyOf={typeOf}
      pageSize={10}
      empty={<Box>Neither job found anything.</Box>}
    />
  );
}

function typeOf({ type }: TypeRow): string {
  return type;
}

function signed(difference: number): string {
  return difference > 0 ? `+${formatNumber(difference)}` : formatNumber(difference);
}

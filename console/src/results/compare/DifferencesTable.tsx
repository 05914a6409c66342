import "../views/results.css";
import "./compare.css";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { formatNumber } from "../../components/format";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import { typeColour } from "../../components/typeColours";
import { type JobKind, jobPath } from "../../jobs/kinds";
import { hasTypes } from "../../kinds/results";
import { placeOf, typeLabel } from "../views/labels";
import type { Changed, Comparison, DocumentDifference } from "./compare";
import type { Compared } from "./findings";

interface Props {
  readonly kind: JobKind;
  readonly comparison: Comparison;
  readonly ids: readonly [string, string];
  readonly names: readonly [string, string];
}

/** The documents whose results differ, and what differs in each. */
export function DifferencesTable({ kind, comparison, ids: [one, other], names: [first, second] }: Props) {
  const { documents, shown } = comparison;
  const columns = useMemo(() => columnsOf(kind, [one, other], [first, second]), [kind, one, other, first, second]);
  const left = documents.different - shown.length;
  return (
    <ResourceTable
      title="Documents that differ"
      noun="document"
      name="compared-documents"
      items={shown}
      columns={columns}
      keyOf={keyOf}
      pageSize={10}
      more={left > 0}
      description={
        left > 0
          ? `The first ${formatNumber(shown.length)} of ${formatNumber(documents.different)}, in the order of the input.`
          : "In the order of the input. Scores are not compared."
      }
      empty={<Box>{documents.compared === 0 ? "The jobs have no document in common." : "No document differs."}</Box>}
    />
  );
}

function keyOf({ key }: DocumentDifference): string {
  return key;
}

function nameOf(difference: DocumentDifference): string {
  return placeOf(addressOf(difference));
}

function addressOf({ file, line }: DocumentDifference) {
  return { file, ...(line !== undefined && { line }) };
}

function columnsOf(kind: JobKind, ids: Props["ids"], [first, second]: Props["names"]): Column<DocumentDifference>[] {
  return [
    {
      id: "document",
      header: "Document",
      cell: (difference) => <DocumentCell difference={difference} kind={kind} ids={ids} names={[first, second]} />,
      value: nameOf,
      width: 190,
    },
    { id: "count", header: "Differences", cell: countWords, value: ({ count }) => count },
    {
      id: "one",
      header: `Only in ${first}`,
      cell: ({ onlyOne, errors }) => <Findings kind={kind} findings={onlyOne} error={errors?.one} />,
      value: ({ onlyOne, errors }) => wordsOf(onlyOne, errors?.one),
      width: 240,
    },
    {
      id: "other",
      header: `Only in ${second}`,
      cell: ({ onlyOther, errors }) => <Findings kind={kind} findings={onlyOther} error={errors?.other} />,
      value: ({ onlyOther, errors }) => wordsOf(onlyOther, errors?.other),
      width: 240,
    },
    ...(hasTypes(kind.slug) ? [changedColumn(kind)] : []),
  ];
}

function changedColumn(kind: JobKind): Column<DocumentDifference> {
  return {
    id: "changed",
    header: "With another label",
    cell: ({ changed }) => <ChangedCell kind={kind} changed={changed} />,
    value: ({ changed }) => changed.map(({ one, other }) => `${one.text} ${one.label} ${other.label}`).join(" "),
    width: 240,
  };
}

function countWords({ count, changed, onlyOne, onlyOther, errors }: DocumentDifference): string {
  const shown = changed.length + onlyOne.length + onlyOther.length + (errors === undefined ? 0 : 1);
  return shown === count ? formatNumber(count) : `${formatNumber(count)}, of which ${formatNumber(shown)} are listed`;
}

function wordsOf(findings: readonly Compared[], error = ""): string {
  return [error, ...findings.map(({ text, label }) => `${text} ${label}`)].join(" ").trim();
}

interface DocumentCellProps extends Pick<Props, "kind" | "ids" | "names"> {
  readonly difference: DocumentDifference;
}

function DocumentCell({ difference, kind, ids, names }: DocumentCellProps) {
  const { file, line } = difference;
  const search = new URLSearchParams({ tab: "documents", search: line === undefined ? file : `${file}:${line + 1}` });
  return (
    <SpaceBetween size="xxxs">
      <bdi>{nameOf(difference)}</bdi>
      {ids.map((id, at) => (
        <RouterLink
          key={id}
          to={`${jobPath(kind, id)}/results?${search}`}
          fontSize="body-s"
          ariaLabel={`${nameOf(difference)} in ${names[at]}`}
        >
          In {names[at]}
        </RouterLink>
      ))}
    </SpaceBetween>
  );
}

interface FindingsProps {
  readonly kind: JobKind;
  readonly findings: readonly Compared[];
  readonly error: string | undefined;
}

function Findings({ kind, findings, error }: FindingsProps) {
  if (findings.length === 0 && error === undefined) return <>-</>;
  return (
    <ul className="compared-findings">
      {error !== undefined && <li>Error: {error}</li>}
      {findings.map((finding) => (
        <li key={`${finding.place} ${finding.label}`}>
          <bdi>{finding.text}</bdi> {hasTypes(kind.slug) && <Label kind={kind} finding={finding} />}
        </li>
      ))}
    </ul>
  );
}

interface ChangedProps {
  readonly kind: JobKind;
  readonly changed: readonly Changed[];
}

function ChangedCell({ kind, changed }: ChangedProps) {
  if (changed.length === 0) return <>-</>;
  return (
    <ul className="compared-findings">
      {changed.map(({ one, other }) => (
        <li key={one.place}>
          <bdi>{one.text}</bdi> <Label kind={kind} finding={one} />
          <span aria-hidden="true">→ </span>
          <span className="compared-hidden"> became </span>
          <Label kind={kind} finding={other} />
        </li>
      ))}
    </ul>
  );
}

function Label({ kind, finding: { type, label } }: { readonly kind: JobKind; readonly finding: Compared }) {
  const tone = label.slice(type.length);
  return (
    <span className={`finding finding-swatch type-colour-${typeColour(type)}`}>
      <bdi>
        {typeLabel(kind.slug, type)}
        {tone}
      </bdi>
    </span>
  );
}

import type { ResultRow } from "../../kinds/row";
import { RESULTS, type ResultKind } from "../../kinds/rows.generated";
import { isShown, type ResultFilter } from "../reading/filter";
import { type Finding, type ResultRecord, scoreName, TONES, type ToneScores } from "../reading/records";
import { textBeside } from "./beside";

export type Cell = string | number | undefined;
export type ColumnType = "STRING" | "INT32" | "DOUBLE";

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
}

const text = (name: string): TableColumn => ({ name, type: "STRING" });
const whole = (name: string): TableColumn => ({ name, type: "INT32" });
const real = (name: string): TableColumn => ({ name, type: "DOUBLE" });
const PLACE = [text("File"), whole("Line")];
const SPAN = [whole("BeginOffset"), whole("EndOffset")];
const TONE = TONES.map((tone) => real(scoreName(tone)));
const ERROR = [text("ErrorCode"), text("ErrorMessage")];

/** The columns of each kind's table, with the names of the members of the result's JSON. */
const COLUMNS = Object.fromEntries(
  Object.entries(RESULTS).map(([kind, row]) => [kind, [...PLACE, ...foundColumns(row), ...ERROR]]),
) as unknown as Readonly<Record<ResultKind, readonly TableColumn[]>>;

function foundColumns({ layout, typeMember }: ResultRow): readonly TableColumn[] {
  const type = typeMember === undefined ? [] : [text(typeMember)];
  switch (layout) {
    case "spans":
    case "tokens":
      return [...SPAN, ...type, text("Text"), real("Score")];
    case "offsets":
      return [...SPAN, ...type, real("Score")];
    case "mentions":
      return [
        ...[whole("Entity"), ...SPAN, ...type, text("Text"), real("Score"), real("GroupScore"), text("Sentiment")],
        ...TONE,
      ];
    case "events":
      return [
        ...[whole("Event"), ...SPAN, ...type, text("Text"), real("Score"), real("GroupScore"), text("Arguments")],
      ];
    case "types":
      return [...type, real("Score")];
    case "tone":
      return [...type, ...TONE];
    case "topics":
      return [...type, real("Proportion")];
  }
}

export const TERM_COLUMNS: readonly TableColumn[] = [text("Topic"), text("Term"), real("Weight")];

export function columnsOf(kind: ResultKind): readonly TableColumn[] {
  return COLUMNS[kind];
}

/** The columns of a table for people, in a spreadsheet: the same, with the document's text beside each finding. */
export function sheetColumnsOf(kind: ResultKind): readonly TableColumn[] {
  return withText(COLUMNS[kind], text("DocumentText"));
}

function withText<Of>(row: readonly Of[], cell: Of): Of[] {
  return [...row.slice(0, -ERROR.length), cell, ...row.slice(-ERROR.length)];
}

/** The rows of a document in a table for people: lines are counted from 1, as editors do. */
export function* sheetRowsOf(
  kind: ResultKind,
  record: ResultRecord,
  documentText: string | undefined,
  filter?: ResultFilter,
): Generator<Cell[]> {
  const counted = record.line === undefined ? record : { ...record, line: record.line + 1 };
  for (const { cells, finding } of foundRowsOf(kind, counted, filter)) {
    yield withText<Cell>(cells, textBeside(documentText, finding));
  }
}

/**
 * Yield the rows of a document: one for each finding.
 *
 * A document with an error or without findings has one row too, so that the table has every document. With a filter,
 * only the findings that it shows have rows.
 */
export function* rowsOf(kind: ResultKind, record: ResultRecord, filter?: ResultFilter): Generator<Cell[]> {
  for (const { cells } of foundRowsOf(kind, record, filter)) yield cells;
}

function* foundRowsOf(
  kind: ResultKind,
  record: ResultRecord,
  filter?: ResultFilter,
): Generator<{ cells: Cell[]; finding?: Finding }> {
  const place: Cell[] = [record.file, record.line];
  const error: Cell[] = [record.error?.code, record.error?.message];
  const empty = COLUMNS[kind].length - place.length - error.length;
  const shown = filter ? record.findings.filter((finding) => isShown(finding, filter)) : record.findings;
  if (shown.length === 0 && (record.findings.length === 0 || filter === undefined)) {
    yield { cells: [...place, ...new Array<Cell>(empty).fill(undefined), ...error] };
  }
  for (const finding of shown) {
    yield { cells: [...place, ...cellsOf(kind, finding, record), ...error], finding };
  }
}

function cellsOf(kind: ResultKind, finding: Finding, record: ResultRecord): Cell[] {
  const { begin, end, type, score } = finding;
  const { layout, typeMember } = RESULTS[kind];
  switch (layout) {
    case "spans":
    case "tokens":
      return [begin, end, ...(typeMember === undefined ? [] : [type]), finding.text, score];
    case "offsets":
      return [begin, end, type, score];
    case "tone":
      return [type, ...toneCells(record.toneScores)];
    case "mentions":
      return [
        ...[finding.group, begin, end, type, finding.text, score, finding.groupScore, finding.tone],
        ...toneCells(finding.toneScores),
      ];
    case "events":
      return [finding.group, begin, end, type, finding.text, score, finding.groupScore, roleWords(finding)];
    case "types":
    case "topics":
      return [type, score];
  }
}

/** The arguments of an event in one cell: "INVESTOR: Acme; AMOUNT: $5 million". */
function roleWords({ roles }: Finding): string | undefined {
  return roles?.map((each) => `${each.role}: ${each.text}`).join("; ");
}

function toneCells(scores: ToneScores | undefined): Cell[] {
  return TONES.map((tone) => scores?.[scoreName(tone)]);
}

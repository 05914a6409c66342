import type { ResultKind } from "../../jobs/kinds";
import { isShown, type ResultFilter } from "../reading/filter";
import { type Finding, type ResultRecord, scoreName, TONES, type ToneScores } from "../reading/records";

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

/** The columns of a kind's table, called as the members of the result's JSON are. */
const COLUMNS: Readonly<Record<ResultKind, readonly TableColumn[]>> = {
  entities: [...PLACE, ...SPAN, text("Type"), text("Text"), real("Score"), ...ERROR],
  "key-phrases": [...PLACE, ...SPAN, text("Text"), real("Score"), ...ERROR],
  "dominant-language": [...PLACE, text("LanguageCode"), real("Score"), ...ERROR],
  sentiment: [...PLACE, text("Sentiment"), ...TONE, ...ERROR],
  "targeted-sentiment": [
    ...PLACE,
    whole("Entity"),
    ...SPAN,
    text("Type"),
    text("Text"),
    real("Score"),
    real("GroupScore"),
    text("Sentiment"),
    ...TONE,
    ...ERROR,
  ],
  classification: [...PLACE, text("Name"), real("Score"), ...ERROR],
  topics: [...PLACE, text("Topic"), real("Proportion"), ...ERROR],
};

export const TERM_COLUMNS: readonly TableColumn[] = [text("Topic"), text("Term"), real("Weight")];

export function columnsOf(kind: ResultKind): readonly TableColumn[] {
  return COLUMNS[kind];
}

/**
 * Yield the rows of a document: one for each finding.
 *
 * A document with an error or with no finding has one row too, so that a table has every document. Where a filter is
 * given only the findings that it shows have rows.
 */
export function* rowsOf(kind: ResultKind, record: ResultRecord, filter?: ResultFilter): Generator<Cell[]> {
  const place: Cell[] = [record.file, record.line];
  const error: Cell[] = [record.error?.code, record.error?.message];
  const empty = COLUMNS[kind].length - place.length - error.length;
  const shown = filter ? record.findings.filter((finding) => isShown(finding, filter)) : record.findings;
  if (shown.length === 0 && (record.findings.length === 0 || filter === undefined)) {
    yield [...place, ...new Array<Cell>(empty).fill(undefined), ...error];
  }
  for (const finding of shown) yield [...place, ...cellsOf(kind, finding, record), ...error];
}

function cellsOf(kind: ResultKind, finding: Finding, record: ResultRecord): Cell[] {
  const { begin, end, type, score } = finding;
  switch (kind) {
    case "entities":
      return [begin, end, type, finding.text, score];
    case "key-phrases":
      return [begin, end, finding.text, score];
    case "sentiment":
      return [type, ...toneCells(record.toneScores)];
    case "targeted-sentiment":
      return [
        ...[finding.group, begin, end, type, finding.text, score, finding.groupScore, finding.tone],
        ...toneCells(finding.toneScores),
      ];
    case "dominant-language":
    case "classification":
    case "topics":
      return [type, score];
  }
}

function toneCells(scores: ToneScores | undefined): Cell[] {
  return TONES.map((tone) => scores?.[scoreName(tone)]);
}

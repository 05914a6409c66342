import { RESULTS, type ResultKind } from "../../kinds/rows.generated";
import { LABEL_HOLDS } from "../reading/recordIndex";
import type { Finding, ResultRecord } from "../reading/records";

/** A finding as it is compared: two are the same if place and label are equal. Scores are not compared. */
export interface Compared {
  /** Where it is in the document; empty if it is about the whole document. */
  readonly place: string;
  readonly type: string;
  /** The type, with the sentiment if the finding has one. */
  readonly label: string;
  /** The text, or its position if the result does not repeat the text. */
  readonly text: string;
}

const MOST_TEXT = 120;

/** What was found in a document, each finding once. For results about whole documents, only what applies. */
export function comparedOf(kind: ResultKind, record: ResultRecord): Compared[] {
  const { layout } = RESULTS[kind];
  const whole = layout === "types" || layout === "tone";
  const all = whole ? applying(record).map((finding) => ofDocument(finding, record)) : record.findings.map(ofPlace);
  return [...new Map(all.map((each) => [keyOf(each), each])).values()];
}

export function keyOf({ place, label }: Compared): string {
  return `${place}\n${label}`;
}

/** The labels that apply: the one with the highest score, or all that hold if several may apply. */
function applying({ findings, several }: ResultRecord): readonly Finding[] {
  if (several) return findings.filter(({ score }) => score >= LABEL_HOLDS);
  const best = findings.reduce<Finding | undefined>(
    (most, each) => (most === undefined || each.score > most.score ? each : most),
    undefined,
  );
  return best === undefined ? [] : [best];
}

function ofDocument({ type }: Finding, { several }: ResultRecord): Compared {
  // Only a single label can be another one at the same place.
  return { place: several ? type : "", type, label: type, text: "" };
}

function ofPlace({ type, tone, begin, end, text }: Finding): Compared {
  const position = begin === undefined || end === undefined ? undefined : `${begin}-${end}`;
  return {
    place: position ?? `text ${text ?? ""}`,
    type,
    label: tone === undefined ? type : `${type}, ${tone}`,
    text: shortened(text ?? (position === undefined ? "" : `characters ${begin} to ${end}`)),
  };
}

function shortened(text: string): string {
  // A slice of a long text would keep all of it in memory; a new string does not.
  return text.length <= MOST_TEXT ? text : ` ${text.slice(0, MOST_TEXT)}…`.slice(1);
}

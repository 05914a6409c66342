import type { ResultKind } from "../../jobs/kinds";
import { KEY_PHRASE, type ResultRecord } from "../reading/records";

const COLOURS = 12;
const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** How a kind calls one thing that it finds, and its type. */
export const WORDS: Readonly<Record<ResultKind, { one: string; many: string; type: string }>> = {
  entities: { one: "entity", many: "entities", type: "Type" },
  "key-phrases": { one: "key phrase", many: "key phrases", type: "Type" },
  "dominant-language": { one: "language", many: "languages", type: "Language" },
  sentiment: { one: "sentiment", many: "sentiments", type: "Sentiment" },
  "targeted-sentiment": { one: "mention", many: "mentions", type: "Type" },
  classification: { one: "class", many: "classes", type: "Class" },
  topics: { one: "topic", many: "topics", type: "Topic" },
};

/** A type as people read it: languages by name, the rest as the result has it. */
export function typeLabel(kind: ResultKind, type: string): string {
  if (type === KEY_PHRASE && kind === "key-phrases") return "Key phrase";
  if (kind === "topics") return `Topic ${type}`;
  if (kind !== "dominant-language") return type;
  try {
    const name = languages.of(type);
    return name === undefined ? type : `${name} (${type})`;
  } catch {
    return type;
  }
}

/** Where a document is: "reviews.txt, line 3"; lines are counted from 0, as the result counts them. */
export function placeOf(record: Pick<ResultRecord, "file" | "line">): string {
  return record.line === undefined ? record.file : `${record.file}, line ${record.line}`;
}

/** A score with as many digits as tell something: "99.1 %". */
export function percent(score: number): string {
  return `${(score * 100).toFixed(score > 0 && score < 0.001 ? 3 : 1)} %`;
}

const TONE_COLOURS: Readonly<Record<string, number>> = { POSITIVE: 1, NEGATIVE: 3, NEUTRAL: 7, MIXED: 4 };

/** The number of the colour of a type: the same type has the same colour on a page, whatever the filter. */
export function colourOf(type: string, types: readonly string[]): number {
  const tone = TONE_COLOURS[type];
  if (tone !== undefined) return tone;
  const at = types.indexOf(type);
  return (at < 0 ? types.length : at) % COLOURS;
}

import { findsLanguages, hasTypes } from "../../kinds/results";
import { RESULTS, type ResultKind } from "../../kinds/rows.generated";
import { KEY_PHRASE, type ResultRecord } from "../reading/records";

const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** The names of topics by their numbers in the archive: "000" is "bread, oven, salt". */
export type TopicNames = ReadonlyMap<string, string>;

/** A type for people to read: languages by name, topics by their terms, others as in the result. */
export function typeLabel(kind: ResultKind, type: string, topics?: TopicNames): string {
  if (type === KEY_PHRASE && !hasTypes(kind)) return capital(RESULTS[kind].one);
  if (kind === "topics") return topics?.get(type) ?? `Topic ${type}`;
  if (!findsLanguages(kind)) return type;
  try {
    const name = languages.of(type);
    return name === undefined ? type : `${name} (${type})`;
  } catch {
    return type;
  }
}

/** A word with a capital letter. */
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The name of a document: "reviews.txt, line 3". Lines are counted from 1, as editors do; the result counts from 0. */
export function placeOf(record: Pick<ResultRecord, "file" | "line">): string {
  return record.line === undefined ? record.file : `${record.file}, line ${record.line + 1}`;
}

/** A score with its significant digits: "99.1 %". The blank does not break. */
export function percent(score: number): string {
  return `${(score * 100).toFixed(score > 0 && score < 0.001 ? 3 : 1)}\u00a0%`;
}

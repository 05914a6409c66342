import { findsLanguages, hasTypes } from "../../kinds/results";
import { RESULTS, type ResultKind } from "../../kinds/rows.generated";
import { KEY_PHRASE, type ResultRecord } from "../reading/records";

const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** How topics are called, by what the archive calls them: "000" is "bread, oven, salt". */
export type TopicNames = ReadonlyMap<string, string>;

/** A type as people read it: languages by name, topics by their terms, the rest as the result has it. */
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

/** A word at the beginning of a line. */
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Where a document is: "reviews.txt, line 3". Lines are counted from 1, as editors do; the result counts from 0. */
export function placeOf(record: Pick<ResultRecord, "file" | "line">): string {
  return record.line === undefined ? record.file : `${record.file}, line ${record.line + 1}`;
}

/** A score with as many digits as tell something: "99.1 %". */
export function percent(score: number): string {
  return `${(score * 100).toFixed(score > 0 && score < 0.001 ? 3 : 1)} %`;
}

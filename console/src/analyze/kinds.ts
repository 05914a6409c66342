import { SERVED_LANGUAGES } from "../components/languages";

export type KindId = "entities" | "key-phrases" | "language" | "sentiment" | "targeted-sentiment" | "syntax";

/** One analysis of a text at once. */
export interface Kind {
  readonly id: KindId;
  readonly label: string;
  readonly detect: string;
  readonly batch: string;
  /** The languages that are served here (docs/languages.md); none for what takes no language. */
  readonly languages: readonly string[] | undefined;
  /** Bytes of UTF-8 that a single text may have. */
  readonly textBytes: number;
}

/** What a batch may have: texts, and bytes of each of them. */
export const BATCH_TEXTS = 25;
export const BATCH_TEXT_BYTES = 5_000;

const LARGE = 100_000;
const SMALL = 5_000;

const kind = (
  id: KindId,
  label: string,
  name: string,
  languages: readonly string[] | undefined,
  textBytes: number,
): Kind => ({ id, label, detect: `Detect${name}`, batch: `BatchDetect${name}`, languages, textBytes });

/** In the order of the tabs. */
export const KINDS: readonly Kind[] = [
  kind("entities", "Entities", "Entities", SERVED_LANGUAGES.entities, LARGE),
  kind("key-phrases", "Key phrases", "KeyPhrases", SERVED_LANGUAGES["key-phrases"], LARGE),
  kind("language", "Language", "DominantLanguage", undefined, LARGE),
  kind("sentiment", "Sentiment", "Sentiment", SERVED_LANGUAGES.sentiment, SMALL),
  kind("targeted-sentiment", "Targeted sentiment", "TargetedSentiment", SERVED_LANGUAGES["targeted-sentiment"], SMALL),
  kind("syntax", "Syntax", "Syntax", SERVED_LANGUAGES.syntax, SMALL),
];

/** The most bytes that any kind takes. */
export const MOST_TEXT_BYTES = LARGE;

export function kindOf(id: string): Kind {
  const found = KINDS.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no kind of analysis is called ${id}`);
  return found;
}

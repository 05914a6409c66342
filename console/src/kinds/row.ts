import type { ResultKind, TextKindId } from "./rows.generated";

/** One kind of job, as the service's registry has it. */
export interface JobRow {
  /** Its part of an address: /jobs/SLUG/ID. */
  readonly slug: ResultKind;
  readonly label: string;
  readonly description: string;
  /** The name of its operations: Start…Job, Describe…Job, Stop…Job and List…Jobs. */
  readonly operation: string;
  /** The resource type in the ARN of such a job. */
  readonly arnType: string;
  /** The member of a Describe answer that holds the properties; that of a List answer is the same with "List". */
  readonly properties: string;
  /** Whether it works without a custom model. */
  readonly builtIn: boolean;
  /** The languages that the service has an engine for; empty if the operation has no LanguageCode. */
  readonly languages: readonly string[];
  /** The language codes that Comprehend takes, if those are not all that LanguageCode has. */
  readonly documentedLanguages?: readonly string[];
  /** How a custom model does the work, if one can. */
  readonly model?: CustomModelRow;
}

export interface CustomModelRow {
  /** The member that names the model. */
  readonly member: "EntityRecognizerArn" | "DocumentClassifierArn";
  readonly analysis: string;
  readonly label: string;
  readonly description: string;
}

/** One analysis of a text at once. */
export interface TextRow {
  readonly id: TextKindId;
  readonly label: string;
  readonly detect: string;
  readonly batch: string;
  /** The languages that are served here (docs/languages.md); none for what takes no language. */
  readonly languages?: readonly string[];
  /** Bytes of UTF-8 that a single text may have. */
  readonly textBytes: number;
}

/**
 * What a result consists of.
 *
 * Spans are places in the text, tokens all its words, mentions places grouped by what they mention, each with a
 * sentiment. Types are judgements of the whole document, each with a score; tone is one sentiment with the scores of all
 * four. Topics are tables about all documents.
 */
export type Layout = "spans" | "tokens" | "mentions" | "types" | "tone" | "topics";

/** What an analysis finds, and what people call it. */
export interface ResultRow {
  readonly layout: Layout;
  /** The members of a result line that hold findings; the second holds them when several types may apply at once. */
  readonly members: readonly string[];
  /** The member of a finding that has its type; absent where findings have no types. */
  readonly typeMember?: string;
  readonly one: string;
  readonly many: string;
  /** The heading of the types. */
  readonly type: string;
}

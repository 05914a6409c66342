import type { ResultKind, TextKindId } from "./rows.generated";

/** A kind of job, from the service's registry. */
export interface JobRow {
  /** Its part of a path: /jobs/SLUG/ID. */
  readonly slug: ResultKind;
  readonly label: string;
  readonly description: string;
  /** The name of its operations: Start…Job, Describe…Job, Stop…Job and List…Jobs. */
  readonly operation: string;
  /** The resource type in the ARN of such a job. */
  readonly arnType: string;
  /** The member of a Describe answer with the properties; that of a List answer has the suffix "List". */
  readonly properties: string;
  /** Whether it works without a custom model. */
  readonly builtIn: boolean;
  /** The languages that the service has an engine for; empty if the operation has no LanguageCode. */
  readonly languages: readonly string[];
  /** The language codes that Comprehend accepts, if these are not all of LanguageCode. */
  readonly documentedLanguages?: readonly string[];
  /** Whether the tag reading-room:vpc takes the place of a VpcConfig. */
  readonly vpcTag?: boolean;
  /** Whether a job may redact documents instead of listing what it found. */
  readonly redacts?: boolean;
  /** The types of events that a request names, if it must name any. */
  readonly eventTypes?: readonly string[];
  /** Whether a job writes an object for each input file instead of an archive. */
  readonly folder?: boolean;
  /** How the kind uses a custom model, if it can. */
  readonly model?: CustomModelRow;
}

export interface CustomModelRow {
  /** The member that names the model. */
  readonly member: "EntityRecognizerArn" | "DocumentClassifierArn";
  readonly analysis: string;
  readonly label: string;
  readonly description: string;
}

/** A kind of synchronous analysis. */
export interface TextRow {
  readonly id: TextKindId;
  readonly label: string;
  readonly detect: string;
  /** Absent if the analysis has no operation for several texts. */
  readonly batch?: string;
  /** The languages that Reading Room supports (docs/languages.md); empty for operations without a language. */
  readonly languages?: readonly string[];
  /** The most bytes of UTF-8 of a single text. */
  readonly textBytes: number;
  /** What the operation takes in place of Text: a list of TextSegments, or also the endpoint for prompts. */
  readonly form?: "segments" | "prompt";
}

/**
 * The layout of a result.
 *
 * Spans are ranges of the text, offsets are ranges whose text no result repeats, tokens are all its words, and mentions are ranges grouped by entity, each with a
 * sentiment. Events are ranges of the words that tell them, grouped by event, with entities in roles. Types apply to the whole document, each with a score. Tone is one sentiment with the scores of all
 * four. Topics are tables about all documents.
 */
export type Layout = "spans" | "offsets" | "tokens" | "mentions" | "events" | "types" | "tone" | "topics";

/** The findings of an analysis, and their names for people. */
export interface ResultRow {
  readonly layout: Layout;
  /** The members of a result line with findings; the second is used if several types may apply at once. */
  readonly members: readonly string[];
  /** The member of a finding with its type; absent if findings have no types. */
  readonly typeMember?: string;
  readonly one: string;
  readonly many: string;
  /** The heading of the types. */
  readonly type: string;
}

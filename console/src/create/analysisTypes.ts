import { LANGUAGE_CODES, MODEL_LANGUAGES, SERVED_LANGUAGES } from "../components/languages";
import { JOB_KINDS, type JobKind } from "../jobs/kinds";
import type { ModelKindId } from "../models/kinds";

/** What a person chooses as "analysis type": the kinds of job, and entities once more for one's own recognizers. */
export interface AnalysisType {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly group: "Built-in" | "Custom";
  /** The operation that starts it. */
  readonly operation: string;
  readonly kind: JobKind;
  /** The language codes that Comprehend takes; empty where the operation has no LanguageCode. */
  readonly languages: readonly string[];
  /** Those of them that this service has an engine for (docs/languages.md). */
  readonly served: readonly string[];
  /** Which custom model it needs. */
  readonly model?: ModelKindId;
  readonly hasTopics: boolean;
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  entities: "Names of people, places, organisations, dates and quantities.",
  "key-phrases": "The noun phrases that say what a text is about.",
  "dominant-language": "The language that each document is written in.",
  sentiment: "Whether a document is positive, negative, neutral or mixed.",
  "targeted-sentiment": "What a text says of each thing it mentions.",
  topics: "The subjects of a whole collection, and which documents belong to them.",
  classification: "Your own classes, by a classifier that you trained.",
};

function builtIn(kind: JobKind): AnalysisType {
  const served: readonly string[] = Object.entries(SERVED_LANGUAGES).find(([slug]) => slug === kind.slug)?.[1] ?? [];
  const known = kind.slug === "targeted-sentiment" ? ["en"] : LANGUAGE_CODES;
  return {
    id: kind.slug,
    label: kind.label,
    description: DESCRIPTIONS[kind.slug] ?? "",
    group: kind.slug === "classification" ? "Custom" : "Built-in",
    operation: `Start${kind.operation}Job`,
    kind,
    languages: served.length === 0 ? [] : known,
    served,
    hasTopics: kind.slug === "topics",
    ...(kind.slug === "classification" && { model: "classifier" as const }),
  };
}

function customEntities(kind: JobKind): AnalysisType {
  return {
    ...builtIn(kind),
    id: "custom-entities",
    label: "Custom entity recognition",
    description: "Your own types of entities, by a recognizer that you trained.",
    group: "Custom",
    languages: MODEL_LANGUAGES,
    served: MODEL_LANGUAGES,
    model: "recognizer",
  };
}

/** Every analysis type, the built-in ones first. */
export const ANALYSIS_TYPES: readonly AnalysisType[] = JOB_KINDS.flatMap((kind) =>
  kind.slug === "entities" ? [builtIn(kind), customEntities(kind)] : [builtIn(kind)],
).sort((one, other) => Number(one.group === "Custom") - Number(other.group === "Custom"));

export function analysisType(id: string): AnalysisType | undefined {
  return ANALYSIS_TYPES.find((type) => type.id === id);
}

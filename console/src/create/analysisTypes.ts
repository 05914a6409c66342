import { LANGUAGE_CODES, MODEL_LANGUAGES } from "../components/languages";
import { JOB_KINDS, type JobKind, kindOfModel } from "../jobs/kinds";
import type { CustomModelRow } from "../kinds/row";
import { RESULTS } from "../kinds/rows.generated";
import type { ModelKindId } from "../models/kinds";

/** The choices of "Analysis type": the kinds of jobs, and again those that a custom model can do. */
export interface AnalysisType {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly group: "Built-in" | "Custom";
  /** The operation that starts it. */
  readonly operation: string;
  readonly kind: JobKind;
  /** The language codes that Comprehend accepts; empty if the operation has no LanguageCode. */
  readonly languages: readonly string[];
  /** Those that Reading Room has an engine for (docs/languages.md). */
  readonly served: readonly string[];
  /** The kind of custom model that it needs. */
  readonly model?: ModelKindId;
  readonly hasTopics: boolean;
}

function builtIn(kind: JobKind): AnalysisType {
  return {
    id: kind.slug,
    label: kind.label,
    description: kind.description,
    group: "Built-in",
    operation: `Start${kind.operation}Job`,
    kind,
    languages: kind.languages.length === 0 ? [] : (kind.documentedLanguages ?? LANGUAGE_CODES),
    served: kind.languages,
    hasTopics: RESULTS[kind.slug].layout === "topics",
  };
}

function custom(kind: JobKind, { analysis, label, description }: CustomModelRow): AnalysisType {
  const languages = kind.languages.length === 0 ? [] : MODEL_LANGUAGES;
  const model = kindOfModel(kind);
  return {
    ...builtIn(kind),
    id: analysis,
    label,
    description,
    group: "Custom",
    languages,
    served: languages,
    ...(model && { model }),
  };
}

/** Every analysis type, the built-in ones first. */
export const ANALYSIS_TYPES: readonly AnalysisType[] = [
  ...JOB_KINDS.filter((kind) => kind.builtIn).map(builtIn),
  ...JOB_KINDS.flatMap((kind) => (kind.model === undefined ? [] : [custom(kind, kind.model)])),
];

export function analysisType(id: string): AnalysisType | undefined {
  return ANALYSIS_TYPES.find((type) => type.id === id);
}

import type { ModelKindId } from "../../models/kinds";
import { KeptDraft } from "../../session/keptDraft";
import { ANALYSIS_TYPES, type AnalysisType } from "../analysisTypes";
import { type Draft, EMPTY_DRAFT } from "../draft";
import type { Json } from "../parts/code";
import { buildRequest } from "../request";
import { type Errors, validateDraft } from "../validate";

/** The form for several analyses of one input: what they have in common, and which they are. */
export interface SeveralDraft {
  readonly common: Draft;
  /** The ids of the chosen analysis types. */
  readonly chosen: readonly string[];
  /** The ARN of the custom model of each type; empty if none is chosen. */
  readonly models: Readonly<Record<ModelKindId, string>>;
}

/** At its start, everything that needs no custom model is chosen. */
export const EMPTY_SEVERAL: SeveralDraft = {
  common: EMPTY_DRAFT,
  chosen: ANALYSIS_TYPES.filter(({ model }) => model === undefined).map(({ id }) => id),
  models: { classifier: "", recognizer: "" },
};

export const keptSeveral = new KeptDraft<SeveralDraft>();

/** Whether there is an engine for the language; types without a language always have one. */
export function isServed({ languages, served }: AnalysisType, language: string): boolean {
  return languages.length === 0 || served.includes(language);
}

/** A job that is to be started. */
export interface Work {
  readonly type: AnalysisType;
  readonly draft: Draft;
  readonly request: { readonly [member: string]: Json | undefined };
}

/** The jobs of a draft: one for each chosen type that there is an engine for. */
export function workOf({ common, chosen, models }: SeveralDraft): Work[] {
  return ANALYSIS_TYPES.filter((type) => chosen.includes(type.id) && isServed(type, common.language)).map((type) => {
    const draft = {
      ...common,
      type: type.id,
      modelArn: type.model === undefined ? "" : models[type.model],
      name: common.name === "" ? "" : `${common.name}-${type.id}`,
    };
    return { type, draft, request: buildRequest(draft, type) };
  });
}

export interface SeveralErrors {
  readonly fields: Errors;
  readonly kinds: string | undefined;
  /** Of the choice of a model, by its type. */
  readonly models: Partial<Record<ModelKindId, string>>;
}

/** What is wrong with a draft: in the fields that the jobs have in common, and in the choice of analyses. */
export function validateSeveral(several: SeveralDraft): SeveralErrors {
  const work = workOf(several);
  const fields: { [Field in keyof Errors]: string } = {};
  const models: Partial<Record<ModelKindId, string>> = {};
  for (const { type, draft } of work) {
    const { model, ...others } = validateDraft(draft, type);
    if (model !== undefined && type.model !== undefined) models[type.model] = model;
    Object.assign(fields, others);
  }
  const kinds = work.length === 0 ? "Choose at least one analysis." : undefined;
  return { fields, kinds, models };
}

/** The names of what is wrong, for the summary at the button; empty if the jobs can be started. */
export function wrongOf({ fields, kinds, models }: SeveralErrors, labels: Readonly<Record<string, string>>): string[] {
  return [
    ...(kinds === undefined ? [] : ["Analyses"]),
    ...Object.keys(models).map((model) => (model === "classifier" ? "Classifier model" : "Recognizer model")),
    ...Object.keys(fields).map((field) => labels[field] ?? field),
  ];
}

/** A custom model that a job can use: one version of a classifier or recognizer. */
export interface Model {
  readonly arn: string;
  readonly name: string;
  /** Empty for a model that was made without a version's name. */
  readonly version: string;
  readonly language: string;
  readonly warned: boolean;
}

interface Properties {
  readonly Status?: string | undefined;
  readonly LanguageCode?: string | undefined;
}

/** Read a model from a list; undefined where it is not trained, so that no job can use it. */
export function modelOf(arn: string | undefined, { Status, LanguageCode }: Properties): Model | undefined {
  const match = /:(?:document-classifier|entity-recognizer)\/([^/]+)(?:\/version\/([^/]+))?$/.exec(arn ?? "");
  if (arn === undefined || match === null) return undefined;
  if (Status !== "TRAINED" && Status !== "TRAINED_WITH_WARNING") return undefined;
  return {
    arn,
    name: match[1] ?? "",
    version: match[2] ?? "",
    language: LanguageCode ?? "",
    warned: Status === "TRAINED_WITH_WARNING",
  };
}

/** The names of models, each once, in order. */
export function modelNames(models: readonly Model[]): string[] {
  return [...new Set(models.map(({ name }) => name))].sort();
}

import type { ImportModelRequest } from "@aws-sdk/client-comprehend";
import { parseModelArn } from "./arn";
import { nameProblem } from "./names";

export interface ImportDraft {
  readonly source: string;
  readonly name: string;
  readonly version: string;
}

export type ImportProblems = { readonly [Field in keyof ImportDraft]?: string | undefined };

/** What keeps a draft from being a request, field by field. */
export function importProblems({ source, name, version }: ImportDraft): ImportProblems {
  return {
    source:
      parseModelArn(source.trim()) === undefined
        ? "Give the ARN of a model: arn:aws:comprehend:REGION:ACCOUNT:document-classifier/NAME, or entity-recognizer, with /version/VERSION if it has one."
        : undefined,
    name: nameProblem(name, false),
    version: nameProblem(version, false),
  };
}

/** The request of ImportModel; what was left empty is left out. */
export function importRequest({ source, name, version }: ImportDraft): ImportModelRequest {
  return {
    SourceModelArn: source.trim(),
    ...(name !== "" && { ModelName: name }),
    ...(version !== "" && { VersionName: version }),
  };
}

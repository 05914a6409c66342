import type { ImportModelRequest } from "@aws-sdk/client-comprehend";
import { parseModelArn } from "./arn";
import { nameProblem } from "./names";

export interface ImportDraft {
  readonly source: string;
  readonly name: string;
  readonly version: string;
}

export type ImportProblems = { readonly [Field in keyof ImportDraft]?: string | undefined };

/** What is wrong with a draft, by field. */
export function importProblems({ source, name, version }: ImportDraft): ImportProblems {
  return {
    source:
      parseModelArn(source.trim()) === undefined
        ? "Enter the ARN of a model: arn:aws:comprehend:REGION:ACCOUNT:document-classifier/NAME, or entity-recognizer, with /version/VERSION if it has one."
        : undefined,
    name: nameProblem(name, false),
    version: nameProblem(version, false),
  };
}

/** The request of ImportModel, without empty values. */
export function importRequest({ source, name, version }: ImportDraft): ImportModelRequest {
  return {
    SourceModelArn: source.trim(),
    ...(name !== "" && { ModelName: name }),
    ...(version !== "" && { VersionName: version }),
  };
}

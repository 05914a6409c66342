import { type Draft, EMPTY_DRAFT } from "./draft";
import { parseS3Uri } from "./parts/s3Uri";
import { fromParameters } from "./parts/vpc";

/**
 * The form at its start: as it was left, with the values of the address.
 *
 * ``vpc``, ``subnets`` and ``groups`` come from the form for a private VPC, ``model`` from a model's page, ``input``
 * from a bucket's.
 */
export function startDraft(kept: Draft | undefined, parameters: URLSearchParams): Draft {
  // A draft of an earlier version may lack a field.
  let draft = kept === undefined ? EMPTY_DRAFT : { ...EMPTY_DRAFT, ...kept };
  const vpc = fromParameters(parameters);
  if (vpc !== undefined) draft = { ...draft, vpc };
  const model = parameters.get("model");
  if (model !== null) draft = withModel(draft, model);
  const input = parameters.get("input");
  if (input !== null && parseS3Uri(input) !== undefined) draft = { ...draft, input };
  return draft;
}

/** Whether the form was left with values in it, and the user is not returning to it on purpose. */
export function isLeft(kept: Draft | undefined, parameters: URLSearchParams): boolean {
  const returned = parameters.has("vpc") || parameters.has("copy");
  return kept !== undefined && !returned && JSON.stringify(kept) !== JSON.stringify(EMPTY_DRAFT);
}

function withModel(draft: Draft, arn: string): Draft {
  if (/:document-classifier\//.test(arn)) return { ...draft, type: "classification", modelArn: arn };
  if (/:entity-recognizer\//.test(arn)) return { ...draft, type: "custom-entities", modelArn: arn };
  return draft;
}

/** The job that ``?copy=KIND/ID`` names. */
export function copiedJob(parameters: URLSearchParams): { readonly slug: string; readonly id: string } | undefined {
  const match = /^([a-z-]+)\/([^/]+)$/.exec(parameters.get("copy") ?? "");
  return match === null ? undefined : { slug: match[1] ?? "", id: match[2] ?? "" };
}

import { fromParameters } from "../create/parts/vpc";
import type { KeptDraft } from "../session/keptDraft";
import type { TrainingDraft } from "./training";

/** Whether the form was left with values in it, and the user is not returning to it on purpose. */
export function isLeft<Draft extends TrainingDraft>(
  kept: KeptDraft<Draft>,
  empty: () => Draft,
  parameters: URLSearchParams,
): boolean {
  const { draft } = kept;
  if (draft === undefined || parameters.has("vpc") || parameters.has("copy")) return false;
  // The manifests of each form get new ids.
  const plain = (each: Draft): string => JSON.stringify({ ...each, manifests: each.manifests.map(({ uri }) => uri) });
  return plain(draft) !== plain(empty());
}

/**
 * The form at its start: as it was left, or empty, with the values of the address.
 *
 * ``vpc``, ``subnets`` and ``groups`` come from the form for a private VPC, ``name`` from a model's page.
 */
export function startDraft<Draft extends TrainingDraft>(
  kept: KeptDraft<Draft>,
  empty: () => Draft,
  parameters: URLSearchParams,
): Draft {
  const name = parameters.get("name");
  const vpc = fromParameters(parameters);
  return { ...(kept.draft ?? empty()), ...(name !== null && { name }), ...(vpc !== undefined && { vpc }) };
}

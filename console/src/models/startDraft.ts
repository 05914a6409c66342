import { fromParameters } from "../create/parts/vpc";
import type { KeptDraft } from "../session/keptDraft";
import type { TrainingDraft } from "./training";

/**
 * The form at its start: as it was left, or empty, with what the address brings.
 *
 * ``vpc``, ``subnets`` and ``groups`` come from the page that makes a VPC, ``name`` from a model's page.
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

import { splitIds } from "../create/parts/vpc";
import { onForget } from "../session/session";
import type { ModelKindId } from "./kinds";
import type { TrainingDraft } from "./training";

/** Forms as they were left. In memory only: they go with the session, and with the page. */
let kept: Partial<Record<ModelKindId, TrainingDraft>> = {};
onForget(() => {
  kept = {};
});

/** Keep a form while another page is open, such as the one that makes a VPC. */
export function keepDraft(kind: ModelKindId, draft: TrainingDraft): void {
  kept = { ...kept, [kind]: draft };
}

export function dropDraft(kind: ModelKindId): void {
  kept = { ...kept, [kind]: undefined };
}

/**
 * The form at its start: as it was left, or empty, with what the address brings.
 *
 * ``vpc``, ``subnets`` and ``groups`` come from the page that makes a VPC, ``name`` from a model's page.
 */
export function startDraft<Draft extends TrainingDraft>(
  kind: ModelKindId,
  empty: () => Draft,
  parameters: URLSearchParams,
): Draft {
  // What is kept under a kind was put there by that kind's own form.
  const draft = (kept[kind] as Draft | undefined) ?? empty();
  const name = parameters.get("name");
  const subnets = parameters.get("subnets");
  return {
    ...draft,
    ...(name !== null && { name }),
    ...(subnets !== null && {
      vpc: {
        vpc: parameters.get("vpc") ?? "",
        subnets: splitIds(subnets),
        groups: splitIds(parameters.get("groups") ?? ""),
      },
    }),
  };
}

import { onForget } from "../session/session";
import type { Draft } from "./draft";

/** The form as it was left. In memory only: it goes with the session, and with the page. */
let kept: Draft | undefined;
onForget(() => {
  kept = undefined;
});

/** Keep the form while another page is open, such as the one that makes a VPC. */
export function keepDraft(draft: Draft): void {
  kept = draft;
}

/** The form as it was left; undefined where there is none. */
export function keptDraft(): Draft | undefined {
  return kept;
}

export function dropDraft(): void {
  kept = undefined;
}

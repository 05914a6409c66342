import type { Check } from "../parts/preflight";

/** The checks of one of several requests, with the name of its analysis. */
export interface LabelledChecks {
  readonly label: string;
  readonly checks: readonly Check[];
}

const WORST_FIRST = ["FAILED", "WARNING", "PASSED", "SKIPPED"];

/**
 * The checks of several requests as those of one: for each check the worst status, with what it says.
 *
 * The requests differ little, so the same thing is mostly wrong with all of them, and is said once.
 */
export function mergeChecks(all: readonly LabelledChecks[]): Check[] {
  const names = [...new Set(all.flatMap(({ checks }) => checks.map(({ Name }) => Name)))];
  return names.map((name) => {
    const found = all.flatMap(({ label, checks }) =>
      checks.filter(({ Name }) => Name === name).map((check) => ({ label, check })),
    );
    const worst = WORST_FIRST.find((status) => found.some(({ check }) => check.Status === status));
    const decisive = found.filter(({ check }) => check.Status === (worst ?? found[0]?.check.Status));
    const [first] = decisive;
    if (first === undefined) throw new Error(`no request has the check ${name}`);
    return { ...first.check, Message: messageOf(decisive, found.length) };
  });
}

function messageOf(decisive: readonly { readonly label: string; readonly check: Check }[], of: number): string {
  const byMessage = new Map<string, string[]>();
  for (const { label, check } of decisive) {
    const labels = byMessage.get(check.Message);
    if (labels === undefined) byMessage.set(check.Message, [label]);
    else labels.push(label);
  }
  const [only] = byMessage;
  if (byMessage.size === 1 && only !== undefined && only[1].length === of) return only[0];
  return [...byMessage].map(([message, labels]) => `${labels.join(", ")}: ${message}`).join(" ");
}

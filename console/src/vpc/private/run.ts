import type { Ids, Made, Step } from "./steps";

export type StepState = "waiting" | "running" | "done" | "failed";

export interface Progress {
  readonly states: readonly StepState[];
  readonly made: readonly Made[];
  readonly ids: Ids;
  readonly error?: unknown;
  readonly finished: boolean;
}

/** Perform the steps one after the other, reporting each. The first failure ends it; what was created is known. */
export async function runSteps(steps: readonly Step[], tell: (progress: Progress) => void): Promise<Progress> {
  const ids: Ids = { vpc: "", subnets: [], group: "", endpointGroup: "", role: "" };
  const made: Made[] = [];
  const states: StepState[] = steps.map(() => "waiting");
  let error: unknown;
  const now = (finished: boolean): Progress => ({ states: [...states], made: [...made], ids, error, finished });
  for (const [index, step] of steps.entries()) {
    states[index] = "running";
    tell(now(false));
    try {
      await step.run(ids, (one) => {
        made.push(one);
        tell(now(false));
      });
      states[index] = "done";
    } catch (thrown) {
      states[index] = "failed";
      error = thrown;
      break;
    }
  }
  const last = now(true);
  tell(last);
  return last;
}

/** Remove what was created, last first. Returns what could not be removed. */
export async function removeMade(made: readonly Made[]): Promise<{ readonly left: Made[]; readonly error: unknown }> {
  const left: Made[] = [];
  let error: unknown;
  for (const one of [...made].reverse()) {
    try {
      await one.remove();
    } catch (thrown) {
      left.unshift(one);
      error ??= thrown;
    }
  }
  return { left, error };
}

import { useQueries, useQueryClient } from "@tanstack/react-query";
import { isWithout, type Preflight, useCheck, useSettled } from "../parts/usePreflight";
import type { Work } from "./draft";
import { mergeChecks } from "./mergeChecks";

/** The service's checks of several requests as those of one. ``waitingFor`` says why they cannot be checked yet. */
export function useSeveralPreflight(work: readonly Work[], waitingFor: string | undefined): Preflight {
  const check = useCheck();
  const queries = useQueryClient();
  const asked = work.map(({ type, request }) => ({
    label: type.label,
    operation: type.operation,
    text: JSON.stringify(request),
  }));
  const now = JSON.stringify(asked);
  const settled = useSettled(now) === now;
  const current = settled && waitingFor === undefined;
  const results = useQueries({
    queries: asked.map(({ operation, text }) => ({ ...check(operation, text), enabled: current })),
  });
  const error = results.find((result) => result.error !== null)?.error ?? null;
  const fetching = results.some(({ isFetching }) => isFetching);
  const complete = results.every(({ data }) => data !== undefined);
  const merged = (answers: readonly { readonly data?: Awaited<ReturnType<ReturnType<typeof check>["queryFn"]>> }[]) =>
    mergeChecks(answers.map(({ data = [] }, at) => ({ label: asked[at]?.label ?? "", checks: data })));
  return {
    checks: current && complete && !fetching && error === null ? merged(results) : undefined,
    busy: waitingFor === undefined && (fetching || !settled),
    error: current ? error : null,
    again: () => {
      for (const { refetch } of results) void refetch();
    },
    ask: async () => {
      try {
        const answers = await Promise.all(
          asked.map(({ operation, text }) => queries.fetchQuery(check(operation, text))),
        );
        return merged(answers.map((data) => ({ data })));
      } catch (failure) {
        if (isWithout(failure)) return undefined;
        throw failure;
      }
    },
  };
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { hasCode } from "../../api/errors";
import { useReadingRoom } from "../../api/readingRoom";
import type { Json } from "./code";
import type { Check } from "./preflight";

const PAUSE_MILLISECONDS = 700;

export interface Preflight {
  /** What is known of the request as it stands now; undefined while it is asked. */
  readonly checks: readonly Check[] | undefined;
  readonly busy: boolean;
  readonly error: unknown;
  readonly again: () => void;
  /** Ask about the request of this moment; undefined where this server has no preflight. Throws what the API answers. */
  readonly ask: () => Promise<readonly Check[] | undefined>;
}

/**
 * What the request and then its job would meet, asked of the service while the form is filled in.
 *
 * ``waitingFor`` says why it cannot be asked yet; it is undefined when the form is complete.
 */
export function usePreflight(operation: string, request: Json, waitingFor: string | undefined): Preflight {
  const call = useReadingRoom();
  const queries = useQueryClient();
  const now = JSON.stringify(request);
  const text = useSettled(now);
  const settled = text === now;
  const optionsOf = (asked: string) => ({
    queryKey: ["reading-room", "CheckJob", operation, asked],
    staleTime: 5_000,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      call<{ Checks: Check[] }>("CheckJob", { Operation: operation, Request: asked }, signal).then(
        ({ Checks }) => Checks,
      ),
  });
  const { data, error, isFetching, refetch } = useQuery({
    ...optionsOf(text),
    enabled: waitingFor === undefined && settled,
  });
  const current = settled && waitingFor === undefined;
  return {
    checks: current && !isFetching && error === null ? data : undefined,
    busy: waitingFor === undefined && (isFetching || !settled),
    error: current ? error : null,
    again: () => void refetch(),
    ask: async () => {
      try {
        return await queries.fetchQuery(optionsOf(now));
      } catch (failure) {
        if (isWithout(failure)) return undefined;
        throw failure;
      }
    },
  };
}

/** Whether a server is too old to know the operation. */
export function isWithout(error: unknown): boolean {
  return hasCode(error, "UnknownOperationException", "UnknownOperation");
}

/** A value once it has not changed for a moment: not every key that is pressed asks the service. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), PAUSE_MILLISECONDS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

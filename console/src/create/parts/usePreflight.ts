import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { hasCode } from "../../api/errors";
import { useReadingRoom } from "../../api/readingRoom";
import type { Json } from "./code";
import type { Check } from "./preflight";

const PAUSE_MILLISECONDS = 700;

export interface Preflight {
  /** The checks of the current request; undefined while they are pending. */
  readonly checks: readonly Check[] | undefined;
  readonly busy: boolean;
  readonly error: unknown;
  readonly again: () => void;
  /** Check the current request now; undefined if this server has no preflight. Throws the API's errors. */
  readonly ask: () => Promise<readonly Check[] | undefined>;
}

/**
 * The service's checks of the request and its job, while the form is filled in.
 *
 * ``waitingFor`` says why the request cannot be checked yet; it is undefined if the form is complete.
 */
export function usePreflight(operation: string, request: Json, waitingFor: string | undefined): Preflight {
  const check = useCheck();
  const optionsOf = (request: string) => check(operation, request);
  const queries = useQueryClient();
  const now = JSON.stringify(request);
  const text = useSettled(now);
  const settled = text === now;
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

/** The query of the checks of an operation's request, which is JSON. */
export function useCheck() {
  const call = useReadingRoom();
  return (operation: string, request: string) => ({
    queryKey: ["reading-room", "CheckJob", operation, request],
    staleTime: 5_000,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      call<{ Checks: Check[] }>("CheckJob", { Operation: operation, Request: request }, signal).then(
        ({ Checks }) => Checks,
      ),
  });
}

/** Whether the server is too old to know the operation. */
export function isWithout(error: unknown): boolean {
  return hasCode(error, "UnknownOperationException", "UnknownOperation");
}

/** A value that has not changed for a moment, so that not every keystroke calls the service. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), PAUSE_MILLISECONDS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

import { useEffect, useSyncExternalStore } from "react";

/** The parts of the page that cannot reach the API, each with its function to try again. */
const waiting = new Map<symbol, (() => void) | undefined>();
const listeners = new Set<() => void>();

/** Wait for the API while ``is`` holds and the caller is shown. */
export function useWaiting(is: boolean, retry: (() => void) | undefined): void {
  useEffect(() => {
    if (!is) return;
    const me = Symbol("waiting");
    waiting.set(me, retry);
    tell();
    return () => {
      waiting.delete(me);
      tell();
    };
  }, [is, retry]);
}

/** Whether any part of the page waits for the API. */
export function useIsWaiting(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => waiting.size > 0,
  );
}

/** Try everything again. */
export function retryAll(): void {
  for (const retry of new Set(waiting.values())) retry?.();
}

function tell(): void {
  for (const listener of listeners) listener();
}

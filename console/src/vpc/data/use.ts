import type { EC2Client } from "@aws-sdk/client-ec2";
import { type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useSyncExternalStore } from "react";
import { useEc2 } from "../../api/ec2";
import { useNotices } from "../../components/Notifications";
import type { Read } from "./reads";

/** How often a list is read again. Faster where something is watched that runs. */
const POLL = 10_000;
export const FAST_POLL = 2_000;

/** A listing of EC2, kept fresh. */
export function useRead<Item>(read: Read<Item>, interval: number | false = POLL): UseQueryResult<Item[]> {
  const ec2 = useEc2();
  return useQuery({ queryKey: ["ec2", read.operation], queryFn: () => read.all(ec2), refetchInterval: interval });
}

/** One resource's own answer of EC2, kept fresh. */
export function useAsk<Output>(
  operation: string,
  about: string,
  ask: (ec2: EC2Client) => Promise<Output>,
): UseQueryResult<Output> {
  const ec2 = useEc2();
  return useQuery({ queryKey: ["ec2", operation, about], queryFn: () => ask(ec2), refetchInterval: POLL });
}

/** A listing that is shown somewhere and could not be read. */
export interface Unread {
  readonly operation: string;
  readonly error: unknown;
}

/** The listings of EC2 that are wanted now and are not there, because reading them failed. */
export function useUnread(): readonly Unread[] {
  const cache = useQueryClient().getQueryCache();
  const known = useRef<readonly Unread[]>([]);
  const subscribe = useCallback((changed: () => void) => cache.subscribe(changed), [cache]);
  return useSyncExternalStore(subscribe, () => {
    const found = cache
      .findAll({ queryKey: ["ec2"], type: "active" })
      .filter(({ state }) => state.data === undefined && state.error !== null)
      .map(({ queryKey, state }) => ({ operation: String(queryKey[1]), error: state.error as unknown }));
    const same =
      found.length === known.current.length && found.every(({ error }, at) => error === known.current[at]?.error);
    if (!same) known.current = found;
    return known.current;
  });
}

/** Read everything of EC2 again: a change in one place shows in many. */
export function useRefresh(): () => Promise<void> {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: ["ec2"] });
}

export type Change = (said: string, act: (ec2: EC2Client) => Promise<unknown>) => Promise<void>;

/** Change something, then read what is shown again and say so. What the change throws is the caller's to show. */
export function useChange(): Change {
  const ec2 = useEc2();
  const refresh = useRefresh();
  const notices = useNotices();
  return async (said, act) => {
    try {
      await act(ec2);
    } finally {
      // A change of several calls may have failed half way: what it did shows, too.
      await refresh();
    }
    notices.success(said);
  };
}

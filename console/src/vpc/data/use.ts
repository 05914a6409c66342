import type { EC2Client } from "@aws-sdk/client-ec2";
import { type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useSyncExternalStore } from "react";
import { useEc2 } from "../../api/ec2";
import { useNotices } from "../../components/Notifications";
import type { Read } from "./reads";

/** How often a list is read again; faster while the user follows something. */
const POLL = 10_000;
export const FAST_POLL = 2_000;

/** A listing of EC2, kept up to date. */
export function useRead<Item>(read: Read<Item>, interval: number | false = POLL): UseQueryResult<Item[]> {
  const ec2 = useEc2();
  return useQuery({ queryKey: ["ec2", read.operation], queryFn: () => read.all(ec2), refetchInterval: interval });
}

/** An answer of EC2 about one resource, kept up to date. */
export function useAsk<Output>(
  operation: string,
  about: string,
  ask: (ec2: EC2Client) => Promise<Output>,
): UseQueryResult<Output> {
  const ec2 = useEc2();
  return useQuery({ queryKey: ["ec2", operation, about], queryFn: () => ask(ec2), refetchInterval: POLL });
}

/** A listing that the page shows and that could not be read. */
export interface Unread {
  readonly operation: string;
  readonly error: unknown;
}

/** The listings of EC2 that the page needs but could not read. */
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

/** Read everything of EC2 again, because one change can affect several views. */
export function useRefresh(): () => Promise<void> {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: ["ec2"] });
}

export type Change = (message: string, act: (ec2: EC2Client) => Promise<unknown>) => Promise<void>;

/** Make a change, read everything that is shown again, and notify the user. The caller shows what the change throws. */
export function useChange(): Change {
  const ec2 = useEc2();
  const refresh = useRefresh();
  const notices = useNotices();
  return async (message, act) => {
    try {
      await act(ec2);
    } finally {
      // A change of several calls may have failed halfway, and what it did must be shown, too.
      await refresh();
    }
    notices.success(message);
  };
}

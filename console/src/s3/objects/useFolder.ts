import type { S3Client } from "@aws-sdk/client-s3";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { type Entry, listFolder } from "../listing";

const PAGE = 50;

export interface FolderView {
  /** The entries of the page that the user has chosen. */
  readonly shown: readonly Entry[];
  /** How many entries have been read so far. */
  readonly count: number;
  /** Whether S3 has more. */
  readonly more: boolean;
  readonly page: number;
  readonly pages: number;
  readonly turnTo: (page: number) => void;
  /** Whether the chosen page has not been read yet. */
  readonly loading: boolean;
  readonly error: unknown;
  /** Retry what could not be read. */
  readonly again: () => void;
  /** Read everything that was read again. */
  readonly refresh: () => void;
}

/** The entries of a folder whose names begin with ``begins``. S3 returns pages; those up to the chosen one are read. */
export function useFolder(s3: S3Client, bucket: string, prefix: string, begins: string): FolderView {
  const [wanted, setWanted] = useState(1);
  const listing = useInfiniteQuery({
    queryKey: ["s3", "ListObjectsV2", bucket, prefix, begins],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => listFolder(s3, bucket, prefix + begins, pageParam, signal),
    getNextPageParam: (last) => last.next,
    // Refreshing a folder of many pages would read all of them, so only folders of one page are refreshed.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 1 ? false : 10_000),
    refetchOnWindowFocus: false,
  });
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = listing;
  const entries = useMemo(
    () => (data?.pages ?? []).flatMap((each) => each.entries).filter((entry) => entry.key !== prefix),
    [data, prefix],
  );
  useEffect(() => {
    // A page far ahead takes several requests: the answer to one triggers the next.
    const short = wanted * PAGE >= entries.length;
    if (hasNextPage && short && !isFetching && !isError) void fetchNextPage();
  }, [entries, wanted, hasNextPage, isFetching, isError, fetchNextPage]);
  const pages = Math.max(1, Math.ceil(entries.length / PAGE));
  const page = hasNextPage ? wanted : Math.min(wanted, pages);
  const shown = entries.slice((page - 1) * PAGE, page * PAGE);
  return {
    shown,
    count: entries.length,
    more: hasNextPage,
    page,
    pages,
    turnTo: setWanted,
    loading: listing.isPending || (hasNextPage && !isError && shown.length === 0),
    error: listing.error,
    again: () => void (listing.isFetchNextPageError ? fetchNextPage() : listing.refetch()),
    refresh: () => void listing.refetch(),
  };
}

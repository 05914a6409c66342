import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ArchiveState } from "../views/useArchive";

/** The comparison of two archives that have been read; each stays in its own worker. */
export function useComparison(one: ArchiveState, other: ArchiveState) {
  const [progress, setProgress] = useState(0);
  const partial = [one, other].some(({ stopped, error }) => stopped || error !== undefined);
  const query = useQuery({
    queryKey: ["results", "compare", one.archive?.id, other.archive?.id],
    enabled: one.archive !== undefined && other.archive !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    queryFn: async () => {
      if (one.archive === undefined || other.archive === undefined) throw new Error("an archive was closed");
      const portable = await one.archive.client.ask("portable", {}, { onProgress: (share) => setProgress(share / 2) });
      return other.archive.client.ask(
        "compare",
        { portable, partial },
        { onProgress: (share) => setProgress(0.5 + share / 2), transfer: [portable.buffer] },
      );
    },
  });
  return { ...query, progress };
}

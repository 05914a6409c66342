import { useEffect, useState } from "react";
import type { ResultFilter } from "../reading/filter";
import type { OpenArchive } from "./useArchive";

export interface Selection {
  /** The numbers of the matching documents, in order; undefined until they are known. */
  readonly numbers?: Uint32Array;
  readonly busy: boolean;
  /** The share of the archive that was searched. */
  readonly progress: number;
  readonly error?: unknown;
}

const TYPING_MILLISECONDS = 250;

/**
 * The documents that match a filter; ``texts`` is the version of the texts to search. A new filter stops the old
 * search.
 */
export function useSelection(archive: OpenArchive, filter: ResultFilter, texts: number): Selection {
  const [selection, setSelection] = useState<Selection>({ busy: true, progress: 0 });
  const filterKey = JSON.stringify(filter);
  // Without a search, the texts do not matter.
  const version = filter.search.trim() === "" ? 0 : texts;
  // biome-ignore lint/correctness/useExhaustiveDependencies: more texts may give more matches.
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const run = async (): Promise<void> => {
      setSelection(({ numbers }) => ({ ...(numbers && { numbers }), busy: true, progress: 0 }));
      try {
        const onProgress = (progress: number): void => {
          if (!signal.aborted) setSelection((before) => ({ ...before, progress }));
        };
        const wanted = JSON.parse(filterKey) as ResultFilter;
        const numbers = await archive.client.ask("select", { filter: wanted }, { signal, onProgress });
        if (!signal.aborted && numbers) setSelection({ numbers, busy: false, progress: 1 });
      } catch (error) {
        if (!signal.aborted) setSelection({ busy: false, progress: 0, error });
      }
    };
    const timer = window.setTimeout(() => void run(), TYPING_MILLISECONDS);
    return () => {
      window.clearTimeout(timer);
      controller.abort();
    };
  }, [archive, filterKey, version]);
  return selection;
}

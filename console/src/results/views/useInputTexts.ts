import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useS3 } from "../../api/s3";
import { formatNumber } from "../../components/format";
import type { JobProperties } from "../../jobs/properties";
import { readRange } from "../archive/source";
import { type InputFile, listInput } from "../document/inputFiles";
import { AT_ONCE, inOrder, ON_DEMAND, readTexts, within } from "../document/inputTexts";
import type { OpenArchive } from "./useArchive";

export interface InputTextsState {
  /** A number that changes whenever more texts can be searched and shown. */
  readonly version: number;
  /** The share that has been read; undefined while nothing is being read. */
  readonly progress?: number | undefined;
  /** What the search and the tables do not cover, as a sentence. */
  readonly gap?: string | undefined;
  /** Read the texts; resolved when they are read, or when reading them is given up. */
  readonly load: () => Promise<void>;
}

/**
 * The texts of a job's documents, which the worker holds beside the result: small inputs at once, others when needed.
 */
export function useInputTexts(archive: OpenArchive, job: JobProperties): InputTextsState {
  const s3 = useS3();
  const uri = job.InputDataConfig?.S3Uri;
  const { data: files, error } = useQuery({
    queryKey: ["s3", "ListObjectsV2", uri, archive.id],
    queryFn: ({ signal }) => listInput(s3, uri, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const all = useMemo(() => (files === undefined ? undefined : inOrder(files)), [files]);
  const [state, setState] = useState<Omit<InputTextsState, "load">>({ version: 0 });
  const running = useRef<Promise<void>>(undefined);
  const controller = useRef(new AbortController());
  useEffect(() => {
    const own = new AbortController();
    controller.current = own;
    running.current = undefined;
    return () => own.abort();
  }, []);
  const load = useCallback((): Promise<void> => {
    if (all === undefined) return Promise.resolve();
    running.current ??= run(all, controller.current.signal);
    return running.current;

    async function run(wanted: readonly InputFile[], signal: AbortSignal): Promise<void> {
      const chosen = within(wanted, ON_DEMAND);
      let reportedAt = Date.now();
      setState((before) => ({ ...before, progress: 0 }));
      const failures = await readTexts(
        chosen,
        (file) => (file.size === 0 ? Promise.resolve(new Uint8Array(0)) : readRange(s3, file, 0, file.size, signal)),
        async (file, bytes, passed) => {
          if (bytes !== undefined) {
            await archive.client.ask("text", { key: file.key, bytes }, { transfer: [bytes.buffer as ArrayBuffer] });
          }
          if (signal.aborted || Date.now() - reportedAt < TELL_MILLISECONDS) return;
          reportedAt = Date.now();
          setState(({ version }) => ({ version: version + 1, progress: passed / chosen.length }));
        },
        signal,
      );
      if (signal.aborted) return;
      const gap = gapWords(chosen.length - failures.length, wanted.length);
      setState(({ version }) => ({ version: version + 1, ...(gap !== undefined && { gap }) }));
    }
  }, [all, archive, s3]);
  useEffect(() => {
    if (all !== undefined && within(all, AT_ONCE).length === all.length) void load();
  }, [all, load]);
  const unlisted = error === null ? undefined : "The job's input cannot be listed, so its text is not searched.";
  return { ...state, gap: state.gap ?? unlisted, load };
}

const TELL_MILLISECONDS = 1_000;

function gapWords(read: number, all: number): string | undefined {
  if (read === all) return undefined;
  return `The text of ${formatNumber(read)} of ${formatNumber(all)} files was read; of the others, only the findings are searched.`;
}

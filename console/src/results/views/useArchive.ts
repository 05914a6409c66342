import type { S3Client } from "@aws-sdk/client-s3";
import { useCallback, useEffect, useRef, useState } from "react";
import type { ResultKind } from "../../kinds/rows.generated";
import { headObject, listFolder, type ObjectFacts, type ObjectPlace, readParts, readRange } from "../archive/source";
import type { ResultSummary } from "../reading/resultReader";
import { WorkerClient } from "../worker/client";
import type { Counts } from "../worker/messages";

export interface OpenArchive {
  /** An id for this reading, so that answers for an earlier one are ignored. */
  readonly id: string;
  readonly client: WorkerClient;
  readonly facts: ObjectFacts;
  readonly summary: ResultSummary;
  /** The archive's own bytes; absent if it was not read to its end. */
  readonly bytes?: Blob;
}

export interface ArchiveState {
  readonly phase: "reading" | "open" | "failed";
  readonly readBytes: number;
  readonly facts?: ObjectFacts;
  readonly counts?: Counts;
  readonly archive?: OpenArchive;
  /** Why the archive was not read completely. The part that was read is still shown. */
  readonly error?: unknown;
  readonly stopped: boolean;
}

const PIECE = 256 * 1024;
const START: ArchiveState = { phase: "reading", readBytes: 0, stopped: false };

/** Read an archive in a worker as it arrives. It is discarded when the user leaves the page. */
export function useArchive(
  s3: S3Client,
  place: ObjectPlace | undefined,
  kind: ResultKind,
  byLine: boolean,
): { state: ArchiveState; stop: () => void; again: () => void } {
  const [state, setState] = useState(START);
  const [attempt, setAttempt] = useState(0);
  const stopping = useRef<AbortController>(undefined);
  const bucket = place?.bucket;
  const key = place?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt starts again.
  useEffect(() => {
    if (bucket === undefined || key === undefined) return;
    const client = new WorkerClient();
    const controller = new AbortController();
    stopping.current = controller;
    let left = false;
    const set = (change: (before: ArchiveState) => ArchiveState): void => {
      if (!left) setState(change);
    };
    set(() => START);
    readInto(client, s3, { bucket, key }, kind, byLine, controller.signal, set).catch((error: unknown) =>
      set((before) => ({ ...before, phase: "failed", error })),
    );
    return () => {
      left = true;
      controller.abort();
      client.close();
    };
  }, [s3, bucket, key, kind, byLine, attempt]);
  return {
    state,
    stop: useCallback(() => stopping.current?.abort(), []),
    again: useCallback(() => setAttempt((count) => count + 1), []),
  };
}

async function readInto(
  client: WorkerClient,
  s3: S3Client,
  place: ObjectPlace,
  kind: ResultKind,
  byLine: boolean,
  signal: AbortSignal,
  set: (change: (before: ArchiveState) => ArchiveState) => void,
): Promise<void> {
  if (place.key.endsWith("/")) return readFolder(client, s3, place, kind, byLine, signal, set);
  const facts = await headObject(s3, place, signal);
  set((before) => ({ ...before, facts }));
  await client.ask("open", { kind, byLine });
  const kept: Blob[] = [];
  let readBytes = 0;
  let error: unknown;
  try {
    for await (const bytes of readParts(s3, facts, signal)) {
      kept.push(new Blob([bytes.slice()]));
      // In small pieces: progress is reported, and stopping possible, between them.
      for (let at = 0; at < bytes.length && !signal.aborted; at += PIECE) {
        const piece = bytes.slice(at, at + PIECE);
        readBytes += piece.length;
        const counts = await client.ask("push", { bytes: piece }, { transfer: [piece.buffer] });
        set((before) => ({ ...before, readBytes, counts }));
      }
      if (signal.aborted) break;
    }
    if (!signal.aborted) await client.ask("finish", {});
  } catch (thrown) {
    // Stopped, truncated or too large: what was read until then is complete, and is shown with the reason.
    if (!signal.aborted) error = thrown;
  }
  const summary = await client.ask("summary", {});
  if (error !== undefined && summary.records === 0 && summary.terms.length === 0) throw error;
  const whole = readBytes === facts.size;
  const archive: OpenArchive = {
    id: crypto.randomUUID(),
    client,
    facts,
    summary,
    ...(whole && { bytes: new Blob(kept, { type: "application/gzip" }) }),
  };
  set((before) => ({ ...before, phase: "open", archive, error, stopped: signal.aborted }));
}

/** Read the objects of a folder, one for each input file, as if they were the files of an archive. */
async function readFolder(
  client: WorkerClient,
  s3: S3Client,
  place: ObjectPlace,
  kind: ResultKind,
  byLine: boolean,
  signal: AbortSignal,
  set: (change: (before: ArchiveState) => ArchiveState) => void,
): Promise<void> {
  const objects = await listFolder(s3, place, signal);
  const facts = { ...place, size: objects.reduce((sum, { size }) => sum + size, 0) };
  set((before) => ({ ...before, facts }));
  await client.ask("open", { kind, byLine });
  let readBytes = 0;
  let error: unknown;
  try {
    for (const object of objects) {
      if (signal.aborted) break;
      const bytes = object.size === 0 ? new Uint8Array(0) : await readRange(s3, object, 0, object.size, signal);
      readBytes += bytes.length;
      const ask = { name: object.key.slice(place.key.length), bytes };
      const counts = await client.ask("file", ask, { transfer: [bytes.buffer] });
      set((before) => ({ ...before, readBytes, counts }));
    }
    if (!signal.aborted && objects.length > 0) await client.ask("finish", {});
  } catch (thrown) {
    if (!signal.aborted) error = thrown;
  }
  const summary = await client.ask("summary", {});
  if (error !== undefined && summary.records === 0) throw error;
  const archive: OpenArchive = { id: crypto.randomUUID(), client, facts, summary };
  set((before) => ({ ...before, phase: "open", archive, error, stopped: signal.aborted }));
}

import { useSyncExternalStore } from "react";
import { onForget } from "../../session/session";

export type TransferState = "waiting" | "running" | "done" | "failed" | "cancelled";

/** An upload or a download, which continues while other pages of the console are shown. */
export interface Transfer {
  readonly id: string;
  readonly kind: "upload" | "download";
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly moved: number;
  readonly state: TransferState;
  readonly error?: unknown;
}

export type Progress = (moved: number) => void;
/** Transfers the bytes; throws if the signal aborts it. */
export type Work = (progress: Progress, signal: AbortSignal) => Promise<void>;

interface Job {
  transfer: Transfer;
  readonly work: Work;
  readonly abort: AbortController;
  readonly onDone: (() => void) | undefined;
}

const AT_ONCE = 3;
/** The page is updated at this interval, however often bytes arrive. */
const TELL_MILLISECONDS = 100;

const jobs = new Map<string, Job>();
const listeners = new Set<() => void>();
let snapshot: readonly Transfer[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

function tell(): void {
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    snapshot = [...jobs.values()].map((job) => job.transfer);
    for (const listener of listeners) listener();
  }, TELL_MILLISECONDS);
}

function update(job: Job, part: Partial<Transfer>): void {
  job.transfer = { ...job.transfer, ...part };
  tell();
}

export type NewTransfer = Pick<Transfer, "kind" | "bucket" | "key" | "size">;

/** Add a transfer to the queue; three run at once. */
export function addTransfer(what: NewTransfer, work: Work, onDone?: () => void): string {
  const id = crypto.randomUUID();
  const transfer: Transfer = { ...what, id, moved: 0, state: "waiting" };
  jobs.set(id, { transfer, work, abort: new AbortController(), onDone });
  tell();
  startNext();
  return id;
}

function startNext(): void {
  const all = [...jobs.values()];
  const running = all.filter((job) => job.transfer.state === "running").length;
  for (const job of all.filter((each) => each.transfer.state === "waiting").slice(0, Math.max(0, AT_ONCE - running))) {
    void run(job);
  }
}

async function run(job: Job): Promise<void> {
  update(job, { state: "running" });
  try {
    await job.work((moved) => update(job, { moved }), job.abort.signal);
    update(job, { state: "done", moved: job.transfer.size });
    job.onDone?.();
  } catch (error) {
    update(job, job.abort.signal.aborted ? { state: "cancelled" } : { state: "failed", error });
  } finally {
    startNext();
  }
}

export function cancelTransfer(id: string): void {
  const job = jobs.get(id);
  if (job === undefined) return;
  job.abort.abort();
  if (job.transfer.state === "waiting") update(job, { state: "cancelled" });
}

export function cancelTransfers(): void {
  for (const id of jobs.keys()) cancelTransfer(id);
}

/** Remove finished transfers from the list. */
export function clearTransfers(): void {
  for (const [id, { transfer }] of jobs) if (!isOpen(transfer)) jobs.delete(id);
  tell();
}

export function isOpen(transfer: Transfer): boolean {
  return transfer.state === "waiting" || transfer.state === "running";
}

export function transfers(): readonly Transfer[] {
  return snapshot;
}

export function useTransfers(): readonly Transfer[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, transfers);
}

// Signing out or changing the identity ends all transfers.
onForget(() => {
  cancelTransfers();
  jobs.clear();
  tell();
});
if (typeof window !== "undefined") {
  window.addEventListener("beforeunload", (event) => {
    if ([...jobs.values()].some((job) => isOpen(job.transfer))) event.preventDefault();
  });
}

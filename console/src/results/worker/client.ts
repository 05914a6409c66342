import type { FromWorker, Question, Questions, ToWorker, WorkerFault } from "./messages";

/** An error of the worker, with its name and message. */
export class WorkerError extends Error {
  constructor({ name, message }: WorkerFault) {
    super(message);
    this.name = name;
  }
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: ((share: number) => void) | undefined;
}

interface AskOptions {
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
  readonly transfer?: Transferable[];
}

/** The page's end of the channel to the worker that has one archive. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  constructor() {
    this.#worker = new Worker(new URL("./resultWorker.ts", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#take(data));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#failAll({ name: "WorkerStopped", message: event.message || "The page's worker could not be started." });
    });
  }

  ask<Name extends Question>(
    name: Name,
    ask: Questions[Name]["ask"],
    { onProgress, signal, transfer = [] }: AskOptions = {},
  ): Promise<Questions[Name]["answer"]> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress });
      signal?.addEventListener("abort", () => this.#worker.postMessage({ name: "cancel", id } satisfies ToWorker), {
        once: true,
      });
      this.#worker.postMessage({ id, name, ask }, transfer);
    });
  }

  /** Discard the archive and everything that was read from it. */
  close(): void {
    this.#worker.terminate();
    this.#failAll({ name: "AbortError", message: "The results were closed." });
  }

  #take(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if ("progress" in message) {
      pending.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if ("fault" in message) pending.reject(new WorkerError(message.fault));
    else pending.resolve(message.answer as never);
  }

  #failAll(fault: WorkerFault): void {
    for (const pending of this.#pending.values()) pending.reject(new WorkerError(fault));
    this.#pending.clear();
  }
}

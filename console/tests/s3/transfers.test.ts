import { beforeEach, describe, expect, it, vi } from "vitest";
import { addTransfer, cancelTransfer, clearTransfers, type NewTransfer, transfers } from "../../src/s3/transfer/store";

const WHAT: NewTransfer = { kind: "upload", bucket: "papers", key: "a.txt", size: 10 };

const states = (): string[] => transfers().map((each) => each.state);

/** A transfer that the test advances. */
function gate(): { work: (progress: (moved: number) => void, signal: AbortSignal) => Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    open: () => open(),
    work: (_, signal) =>
      Promise.race([
        opened,
        new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      ]),
  };
}

describe("transfers", () => {
  beforeEach(async () => {
    clearTransfers();
    await vi.waitFor(() => expect(transfers()).toEqual([]));
  });

  it("run three at a time", async () => {
    const gates = [gate(), gate(), gate(), gate()];
    for (const { work } of gates) addTransfer(WHAT, work);
    await vi.waitFor(() => expect(states()).toEqual(["running", "running", "running", "waiting"]));
    gates[0]?.open();
    await vi.waitFor(() => expect(states()).toEqual(["done", "running", "running", "running"]));
    for (const each of gates) each.open();
    await vi.waitFor(() => expect(states()).toEqual(["done", "done", "done", "done"]));
  });

  it("show their progress, and why they failed", async () => {
    const done = vi.fn();
    addTransfer(
      WHAT,
      async (progress) => {
        progress(4);
        throw new Error("no");
      },
      done,
    );
    await vi.waitFor(() => expect(transfers()[0]).toMatchObject({ state: "failed", moved: 4 }));
    expect(transfers()[0]?.error).toBeInstanceOf(Error);
    expect(done).not.toHaveBeenCalled();
  });

  it("are cancelled while they run or wait", async () => {
    const gates = [gate(), gate(), gate(), gate()];
    const ids = gates.map(({ work }) => addTransfer(WHAT, work));
    cancelTransfer(ids[3] ?? "");
    cancelTransfer(ids[0] ?? "");
    await vi.waitFor(() => expect(states()).toEqual(["cancelled", "running", "running", "cancelled"]));
    for (const each of gates) each.open();
    await vi.waitFor(() => expect(states()).toEqual(["cancelled", "done", "done", "cancelled"]));
  });
});

import { type ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { useFolder } from "../../src/s3/objects/useFolder";

afterEach(cleanup);

const keyOf = (number: number): string => `letters/${String(number).padStart(5, "0")}.txt`;

/** A bucket with this many objects in one folder. A listing has at most a thousand; the requests are counted. */
class Bucket {
  asked = 0;
  failing = false;
  readonly client = new S3Client({ region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });

  constructor(objects: number) {
    // The SDK's own extension point: requests are answered before they are signed and sent.
    this.client.middlewareStack.add(
      () => async (call) => {
        this.asked += 1;
        if (this.failing) throw Object.assign(new Error("the disk is full"), { name: "InternalError" });
        const { ContinuationToken = "0", MaxKeys = 1000 } = (call.input ?? {}) as ListObjectsV2Command["input"];
        const from = Number(ContinuationToken);
        const until = Math.min(from + MaxKeys, objects);
        const Contents = Array.from({ length: until - from }, (_, at) => ({ Key: keyOf(from + at), Size: 1 }));
        const more = until < objects;
        const output = { Contents, IsTruncated: more, ...(more && { NextContinuationToken: String(until) }) };
        return { output: { $metadata: {}, ...output }, response: {} };
      },
      { step: "initialize" },
    );
  }
}

function open(bucket: Bucket) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { readonly children: ReactNode }) => (
    <QueryClientProvider client={queries}>{children}</QueryClientProvider>
  );
  return renderHook(() => useFolder(bucket.client, "papers", "letters/", ""), { wrapper }).result;
}

describe("a folder of many objects", () => {
  it("reads no more than the chosen page needs", async () => {
    const bucket = new Bucket(5_000);
    const folder = open(bucket);
    await waitFor(() => expect(folder.current.shown[0]?.key).toBe(keyOf(0)));
    act(() => folder.current.turnTo(2));
    expect(folder.current.shown.map(({ key }) => key)).toEqual(Array.from({ length: 50 }, (_, at) => keyOf(50 + at)));
    expect(bucket.asked).toBe(1);
    expect(folder.current).toMatchObject({ count: 200, more: true, pages: 4, loading: false });
  });

  it("has a next page when the last one read is shown", async () => {
    const bucket = new Bucket(1_100);
    const folder = open(bucket);
    await waitFor(() => expect(folder.current.count).toBe(200));
    act(() => folder.current.turnTo(4));
    await waitFor(() => expect(folder.current.count).toBe(1100));
    expect(folder.current).toMatchObject({ page: 4, more: false, pages: 22 });
    expect(bucket.asked).toBe(2);
  });

  it("reads up to a page far ahead, or to the last one", async () => {
    const bucket = new Bucket(5_020);
    const folder = open(bucket);
    await waitFor(() => expect(folder.current.count).toBe(200));
    act(() => folder.current.turnTo(70));
    expect(folder.current).toMatchObject({ shown: [], loading: true });
    await waitFor(() => expect(folder.current.shown[0]?.key).toBe(keyOf(69 * 50)));
    act(() => folder.current.turnTo(9_999));
    await waitFor(() => expect(folder.current).toMatchObject({ page: 101, pages: 101, more: false }));
    expect(folder.current.shown.map(({ key }) => key)).toEqual(
      Array.from({ length: 20 }, (_, at) => keyOf(5_000 + at)),
    );
    expect(bucket.asked).toBe(6);
  });

  it("stops at an error, shows it, and continues on request", async () => {
    const bucket = new Bucket(3_000);
    const folder = open(bucket);
    await waitFor(() => expect(folder.current.count).toBe(200));
    bucket.failing = true;
    act(() => folder.current.turnTo(60));
    await waitFor(() => expect(folder.current.error).toMatchObject({ message: "the disk is full" }));
    const asked = bucket.asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(bucket.asked).toBe(asked);
    bucket.failing = false;
    act(() => folder.current.again());
    await waitFor(() => expect(folder.current.shown.at(-1)?.key).toBe(keyOf(2_999)));
    expect(folder.current.error).toBeNull();
  });
});

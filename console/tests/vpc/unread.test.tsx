import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { useUnread } from "../../src/vpc/data/use";

afterEach(cleanup);

describe("listings that could not be read", () => {
  it("are those that are shown and have no data", async () => {
    const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const wrapper = ({ children }: { readonly children: ReactNode }) => (
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    );
    const denied = new Error("not authorized");
    let fails = true;
    const read = async () => {
      if (fails) throw denied;
      return ["vpc-1"];
    };
    const { result } = renderHook(
      () => {
        useQuery({ queryKey: ["ec2", "DescribeVpcs"], queryFn: read });
        useQuery({ queryKey: ["ec2", "DescribeSubnets"], queryFn: async () => [] });
        useQuery({ queryKey: ["s3", "ListBuckets"], queryFn: read });
        return useUnread();
      },
      { wrapper },
    );
    expect(result.current).toEqual([]);
    await waitFor(() => expect(result.current).toEqual([{ operation: "DescribeVpcs", error: denied }]));
    fails = false;
    await act(() => queries.invalidateQueries({ queryKey: ["ec2"] }));
    await waitFor(() => expect(result.current).toEqual([]));
    fails = true;
    // The data that was read before is still available.
    await act(() => queries.invalidateQueries({ queryKey: ["ec2"] }));
    expect(result.current).toEqual([]);
  });
});

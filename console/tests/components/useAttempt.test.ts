import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import { useAttempt } from "../../src/components/useAttempt";

it("is busy until the action is done, and can be tried again", async () => {
  const { result } = renderHook(useAttempt);
  let finish = (): void => undefined;
  const waiting = new Promise<void>((resolve) => {
    finish = resolve;
  });
  act(() => void result.current.attempt(() => waiting));
  expect(result.current.busy).toBe(true);
  await act(async () => finish());
  expect(result.current).toMatchObject({ busy: false, error: undefined });
});

it("has the error until the next try", async () => {
  const { result } = renderHook(useAttempt);
  await act(() => result.current.attempt(() => Promise.reject(new Error("refused"))));
  expect(result.current).toMatchObject({ busy: false, error: new Error("refused") });
  await act(() => result.current.attempt(async () => undefined));
  expect(result.current.error).toBeUndefined();
});

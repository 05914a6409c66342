import { render } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { expect, test } from "vitest";
import { ErrorAlert } from "../../src/components/ErrorAlert";
import { retryAll, useIsWaiting } from "../../src/components/unreachable";

const GONE = new TypeError("Failed to fetch");

function Frame() {
  return <p>{useIsWaiting() ? "The service does not answer" : "All is well"}</p>;
}

function page(errors: readonly unknown[], onRetry?: () => void) {
  return (
    <MemoryRouter>
      <Frame />
      {errors.map((error) => (
        <ErrorAlert key={String(error)} what="The jobs cannot be listed" error={error} onRetry={onRetry} />
      ))}
    </MemoryRouter>
  );
}

test("an unreachable service is reported once, however many parts of the page wait for it", () => {
  let tried = 0;
  const retry = (): void => {
    tried += 1;
  };
  const { container, rerender } = render(page([GONE, new TypeError("fetch failed"), new TypeError("network")], retry));
  expect(container.textContent).toBe("The service does not answer");
  retryAll();
  expect(tried).toBe(1);
  rerender(page([]));
  expect(container.textContent).toBe("All is well");
});

test("other errors are shown where they happened", () => {
  const { container } = render(page([Object.assign(new Error("no"), { name: "AccessDenied" })]));
  expect(container.textContent).toContain("The jobs cannot be listed: AccessDenied");
  expect(container.textContent).toContain("All is well");
});

test("a dialog, which covers the page, reports it itself", () => {
  const { container } = render(
    <MemoryRouter>
      <ErrorAlert what="The bucket cannot be created" error={GONE} here />
    </MemoryRouter>,
  );
  expect(container.textContent).toContain("The bucket cannot be created");
});

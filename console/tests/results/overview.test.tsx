import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { LIMITS } from "../../src/results/reading/limits";
import { ResultReader } from "../../src/results/reading/resultReader";
import { OverviewView } from "../../src/results/views/OverviewView";
import { archiveOf, lines } from "./archives";

afterEach(cleanup);

/** Eight documents, of which each has a score for all three classes. */
const CLASSIFIED = lines(
  ...Array.from({ length: 8 }, (_, number) => ({
    File: `${number}.txt`,
    Classes: ["billing", "delivery", "praise"].map((Name, at) => ({ Name, Score: at === number % 2 ? 0.9 : 0.05 })),
  })),
);

test("the overview of a classification counts the documents and the different classes, not every score", () => {
  const reader = new ResultReader("classification", false, LIMITS);
  reader.push(new Uint8Array(archiveOf({ name: "predictions.jsonl", content: CLASSIFIED })));
  reader.finish();
  const { container } = render(<OverviewView kind="classification" summary={reader.summary()} onShow={() => {}} />);
  const values = screen.getAllByRole("definition").map((value) => value.textContent);
  expect(values).toEqual(["8", "0", "3", expect.stringContaining("bytes")]);
  expect(screen.getByText("Different classes")).toBeDefined();
  const chart = within(screen.getByRole("table", { name: /^Documents by class/ }));
  expect(chart.getAllByRole("row").map((row) => row.textContent)).toEqual([
    expect.stringContaining("Documents"),
    expect.stringMatching(/^billing4/),
    expect.stringMatching(/^delivery4/),
  ]);
  expect(container.textContent).not.toContain("24");
});

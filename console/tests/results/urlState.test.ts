import { expect, test } from "vitest";
import { NO_FILTER } from "../../src/results/reading/filter";
import { type ResultView, readView, writeView } from "../../src/results/views/urlState";

test.each<ResultView>([
  { tab: "overview", filter: NO_FILTER },
  {
    tab: "documents",
    filter: {
      search: "a & b=c, ä",
      types: ["PERSON", "a,b"],
      tones: ["POSITIVE", "NEGATIVE"],
      leastScore: 0.85,
      documents: "found",
      order: "score",
    },
  },
])("what is shown stands in the address, and comes back: %j", (view) => {
  expect(readView(new URLSearchParams(writeView(view).toString()))).toEqual(view);
});

test("the default view has a plain address", () => {
  expect(writeView({ tab: "overview", filter: NO_FILTER }).toString()).toBe("");
});

test.each(["tab=x", "score=2", "score=NaN", "score=-1", "sentiment=GOOD", "documents=some", "order=up"])(
  "what an address cannot mean is left out: %s",
  (query) => {
    expect(readView(new URLSearchParams(query))).toEqual({ tab: "overview", filter: NO_FILTER });
  },
);

import { cleanup, fireEvent, render } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Finding } from "../../src/results/reading/records";
import { EventTimeline, eventsOf } from "../../src/results/views/EventTimeline";

afterEach(cleanup);

const trigger = (group: number, begin: number, text: string, more: Partial<Finding> = {}): Finding => ({
  ...{ type: "IPO", score: 0.9, group, begin, end: begin + text.length, text },
  ...more,
});
const roles = [{ role: "OFFEROR", text: "Harbor Steel Inc.", score: 0.8 }];
const FOUND = [
  trigger(0, 50, "listing", { type: "STOCK_SPLIT" }),
  trigger(1, 5, "IPO", { roles }),
  trigger(1, 20, "offering", { roles }),
].map((finding, number) => ({ finding, number }));

describe("the events of a document", () => {
  it("are in the order of the text, each with all words that tell it", () => {
    expect(eventsOf(FOUND).map(({ triggers }) => triggers.map(({ finding }) => finding.text))).toEqual([
      ["IPO", "offering"],
      ["listing"],
    ]);
  });

  it("have their arguments, and their words lead to the text", () => {
    const choose = vi.fn();
    const { container, getByRole } = render(<EventTimeline found={FOUND} chosen={undefined} onChoose={choose} />);
    const items = [...container.querySelectorAll("li")];
    expect(items.map((item) => [...item.querySelectorAll("dd")].map((each) => each.textContent))).toEqual([
      ["Harbor Steel Inc."],
      [],
    ]);
    fireEvent.click(getByRole("button", { name: 'Show "offering" in the text' }));
    expect(choose).toHaveBeenCalledWith(2);
  });

  it("may be none", () => {
    const { container } = render(<EventTimeline found={[]} chosen={undefined} onChoose={() => {}} />);
    expect(container.textContent).toContain("No event was found");
  });
});

import { cleanup, render } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { place } from "../../src/results/document/segments";
import type { Finding } from "../../src/results/reading/records";
import { HighlightedText } from "../../src/results/views/HighlightedText";

afterEach(cleanup);

const finding = (text: string, found: string, type: string): Finding => {
  const begin = [...text.slice(0, text.indexOf(found))].length;
  return { type, score: 1, begin, end: begin + [...found].length, text: found };
};

function shown(text: string, ...findings: Finding[]) {
  const { placed } = place(text, findings);
  const { getByTestId } = render(
    <HighlightedText
      text={text}
      placed={placed}
      colour={() => 0}
      tag={({ type }) => type}
      chosen={new Set()}
      label="Text"
    />,
  );
  const section = getByTestId("document-text");
  /** The text of an element without the tags that marks end in. */
  const own = (element: Element): string => {
    const copy = element.cloneNode(true) as Element;
    for (const tag of copy.querySelectorAll(".finding-tag")) tag.remove();
    return copy.textContent ?? "";
  };
  return { section, text: own(section), marks: [...section.querySelectorAll("mark")].map(own) };
}

describe("a text with marks", () => {
  it.each([
    ["Arabic", "وُلِدَت ماري كوري في وارسو.", ["ماري كوري", "وارسو"]],
    ["Hebrew beside Latin", "מארי קירי (Marie Curie) נולדה בוורשה.", ["מארי קירי", "Marie Curie"]],
    ["characters of two units", "😀 مارا 👩‍👩‍👧 אולסן", ["مارا", "אולסן"]],
  ])("has every character once and its marks right: %s", (_, text, found) => {
    const { section, text: all, marks } = shown(text, ...found.map((part) => finding(text, part, "PERSON")));
    expect(all).toBe(text);
    expect(marks).toEqual(found);
    expect(section.dir).toBe("auto");
  });

  it("keeps the labels of its marks out of the text's direction", () => {
    const { section } = shown("ماري كوري", finding("ماري كوري", "ماري كوري", "PERSON"));
    // An element with its own direction does not influence that of its surroundings.
    expect(section.querySelector(".finding-tag")?.getAttribute("dir")).toBe("ltr");
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup, render } from "@testing-library/react";
import type { ReactElement } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { MarkedText } from "../../src/analyze/MarkedText";
import { ScoreBars } from "../../src/analyze/ScoreBars";
import { COLOURS, typeColour } from "../../src/components/typeColours";
import { place } from "../../src/results/document/segments";
import { Bar } from "../../src/results/parts/Bar";
import { HighlightedText } from "../../src/results/views/HighlightedText";
import { Legend } from "../../src/results/views/Legend";

afterEach(cleanup);

const ENTITIES = "PERSON LOCATION ORGANIZATION DATE QUANTITY EVENT TITLE COMMERCIAL_ITEM OTHER".split(" ");
const SENTIMENTS = "POSITIVE NEGATIVE NEUTRAL MIXED".split(" ");

const sheet = readFileSync(join(import.meta.dirname, "../../src/components/typeColours.css"), "utf8");

/** The values of a property, by the number of the colour, in one theme. */
function valuesOf(property: string, dark: boolean): string[] {
  const values: string[] = [];
  for (const [, mode, number, body] of sheet.matchAll(/^(\.awsui-dark-mode )?\.type-colour-(\d+) \{([^}]+)\}/gm)) {
    const value = new RegExp(`${property}: (#[0-9a-f]{6});`).exec(body ?? "")?.[1];
    if ((mode !== undefined) === dark && value !== undefined) values[Number(number)] = value;
  }
  return values;
}

/** The numbers of the colours in what is drawn. */
function coloursIn(element: ReactElement): number[] {
  const { container } = render(element);
  const colours = [...container.querySelectorAll("[class*=type-colour-]")].map((each) =>
    Number(/type-colour-(\d+)/.exec(each.className)?.[1]),
  );
  cleanup();
  return colours;
}

describe("the colour of a type", () => {
  it("follows from its name, and differs for sentiments and for the types of entities", () => {
    expect(new Set(ENTITIES.map(typeColour)).size).toBe(ENTITIES.length);
    expect(new Set(SENTIMENTS.map(typeColour)).size).toBe(SENTIMENTS.length);
    for (const own of ["PART_NUMBER", "", "😀", "NOUN"]) {
      expect(typeColour(own)).toBeLessThan(COLOURS);
      expect(typeColour(own)).toBe(typeColour(own));
    }
  });

  it.each([
    ["--type-colour", false],
    ["--type-colour", true],
    ["--type-shade", false],
    ["--type-shade", true],
  ])("is one of twelve: %s, in the dark theme: %s", (property, dark) => {
    const values = valuesOf(property, dark);
    expect(values).toHaveLength(COLOURS);
    expect(new Set(values).size).toBe(COLOURS);
  });

  it("is the same wherever the type is shown", () => {
    const finding = { type: "PERSON", score: 1, begin: 0, end: 3, text: "Ada" };
    const colour = typeColour("PERSON");
    const text = { text: "Ada wrote.", label: "Text", tag: () => "PERSON", chosen: new Set<number>() };
    const shown = [
      <MarkedText key="1" text="Ada wrote." name="Text" marks={[{ key: "1", begin: 0, end: 3, label: "", colour }]} />,
      <ScoreBars key="2" scores={[{ name: "PERSON", score: 1 }]} />,
      <Bar key="3" share={1} value="1" colour={colour} />,
      <HighlightedText key="4" {...text} placed={place(text.text, [finding]).placed} colour={() => colour} />,
      <Legend key="5" kind="entities" findings={[finding]} colour={() => colour} />,
    ];
    expect(shown.map(coloursIn)).toEqual(shown.map(() => [colour]));
  });
});

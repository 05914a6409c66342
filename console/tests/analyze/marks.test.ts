import { describe, expect, it } from "vitest";
import { type Mark, stretchesOf } from "../../src/analyze/marks";

const mark = (begin: number, end: number, label = "T", key = `${begin}-${end}`): Mark => ({
  key,
  begin,
  end,
  label,
  colour: 0,
});

const shown = (text: string, marks: readonly Mark[]): string =>
  stretchesOf(text, marks)
    .map(({ text: part, mark: found, last }) =>
      found === undefined ? part : `[${part}${last ? `|${found.label ?? ""}` : ""}]`,
    )
    .join("");

describe("a marked text", () => {
  it("has its marks where the offsets say", () => {
    expect(shown("Ada met Charles.", [mark(8, 15, "PERSON"), mark(0, 3, "PERSON")])).toBe(
      "[Ada|PERSON] met [Charles|PERSON].",
    );
  });

  it("counts code points, not UTF-16 units", () => {
    expect(shown("😀😀 Ada 😀", [mark(3, 6)])).toBe("😀😀 [Ada|T] 😀");
    expect(shown("𝒜𝒷", [mark(1, 2)])).toBe("𝒜[𝒷|T]");
  });

  it("is one piece without marks, and empty without text", () => {
    expect(shown("as it is", [])).toBe("as it is");
    expect(stretchesOf("", [])).toEqual([]);
  });

  it("shows the innermost of marks that overlap, and each label once", () => {
    expect(shown("abcdef", [mark(0, 6, "OUT"), mark(2, 4, "IN")])).toBe("[ab][cd|IN][ef|OUT]");
    expect(shown("abcdef", [mark(0, 4, "A"), mark(2, 6, "B")])).toBe("[ab|A][cd][ef|B]");
  });

  it("leaves out marks beyond its end", () => {
    for (const wrong of [mark(-1, 2), mark(2, 2), mark(3, 2), mark(0, 99), mark(Number.NaN, 2)]) {
      expect(shown("text", [wrong])).toBe("text");
    }
  });

  it("keeps every character, whatever the marks", () => {
    const text = "x<script>alert(1)</script>\u202Eevil\u0000\ud800 end";
    const marks = [mark(0, 5), mark(3, 9), mark(1, 2), mark(8, 30), mark(10, 12)];
    expect(
      stretchesOf(text, marks)
        .map((stretch) => stretch.text)
        .join(""),
    ).toBe(text);
  });

  it("can have as many marks as a text of 100,000 bytes has", () => {
    const text = "word ".repeat(20_000);
    const marks = Array.from({ length: 20_000 }, (_, index) => mark(index * 5, index * 5 + 4));
    expect(stretchesOf(text, marks)).toHaveLength(40_000);
  });
});

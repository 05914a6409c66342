import { describe, expect, it } from "vitest";
import { type InputFile, sourceOf } from "../../src/results/document/inputFiles";
import { place } from "../../src/results/document/segments";
import { imageType } from "../../src/results/pages/image";
import { marksOf } from "../../src/results/pages/marks";
import { type ExtractedText, readExtracted } from "../../src/results/reading/extracted";
import type { Finding } from "../../src/results/reading/records";

const BOX = { Left: 0.1, Top: 0.2, Width: 0.4, Height: 0.02 };

function extracted(text: string, ...lines: readonly { page: number; text: string }[]): ExtractedText {
  let at = 0;
  const Blocks = lines.map((line) => {
    const begin = [...text.slice(0, text.indexOf(line.text, at))].length;
    at = text.indexOf(line.text, at) + line.text.length;
    return { Page: line.page, BeginOffset: begin, EndOffset: begin + [...line.text].length, BoundingBox: BOX };
  });
  const read = readExtracted(JSON.stringify({ File: "a.pdf", Format: "pdf", Pages: 2, Text: text, Blocks }));
  if (read === undefined) throw new Error("the line is not as documented");
  return read;
}

function found(text: string, part: string): Finding {
  const begin = [...text.slice(0, text.indexOf(part))].length;
  return { type: "PERSON", score: 1, begin, end: begin + [...part].length };
}

const letters = (text: string): number => text.length;

describe("findings on pages", () => {
  it("take the part of the line's box that they have of its text", () => {
    const text = "Dear Anna Lee,\nyours";
    const document = extracted(text, { page: 1, text: "Dear Anna Lee," }, { page: 2, text: "yours" });
    const marks = marksOf(document, place(text, [found(text, "Anna"), found(text, "yours")]).placed, letters);
    const [first] = marks.get(1) ?? [];
    expect(first?.box.left).toBeCloseTo(0.1 + (5 / 14) * 0.4);
    expect(first?.box.width).toBeCloseTo((4 / 14) * 0.4);
    expect(marks.get(2)?.[0]?.box).toEqual({ left: 0.1, top: 0.2, width: 0.4, height: 0.02 });
  });

  it("have a mark in each line that they are in", () => {
    const text = "By Anna\nLee";
    const document = extracted(text, { page: 1, text: "By Anna" }, { page: 1, text: "Lee" });
    const marks = marksOf(document, place(text, [found(text, "Anna\nLee")]).placed, letters).get(1) ?? [];
    expect(marks).toHaveLength(2);
    expect(marks[1]?.box.width).toBeCloseTo(0.4);
  });

  it("are placed by code points, as offsets count", () => {
    const text = "😀😀 Anna";
    const document = extracted(text, { page: 1, text });
    const [mark] =
      marksOf(document, place(text, [found(text, "Anna")]).placed, (part) => [...part].length).get(1) ?? [];
    expect(mark?.box.left).toBeCloseTo(0.1 + (3 / 7) * 0.4);
  });

  it("mark the whole line of a script that runs from right to left", () => {
    const text = "كتبت ماري كوري";
    const marks = marksOf(extracted(text, { page: 1, text }), place(text, [found(text, "ماري")]).placed, letters);
    expect(marks.get(1)?.[0]?.box).toMatchObject({ left: 0.1, width: 0.4 });
  });
});

describe("the line of an extracted text", () => {
  it("keeps only what has the documented form", () => {
    const Blocks = [
      { Page: 1, BeginOffset: 0, EndOffset: 1, BoundingBox: { ...BOX, Left: 7 } },
      { Page: 0, BeginOffset: 0, EndOffset: 1 },
      { Page: 1, BeginOffset: 3, EndOffset: 1 },
      { Page: 1, BeginOffset: "0", EndOffset: 1 },
      null,
    ];
    const line = { File: "a", Text: "b", Blocks, Pages: -1, ScannedPages: [1, "2", null], DamagedPages: 3 };
    expect(readExtracted(JSON.stringify(line))).toEqual({
      file: "a",
      text: "b",
      format: "text",
      blocks: [{ page: 1, begin: 0, end: 1 }],
      scanned: [1],
      damaged: [],
    });
  });

  it("is nothing if it is damaged", () => {
    for (const line of ["{", "null", "[]", '{"File": 1, "Text": "b"}', '{"File": "a"}']) {
      expect(readExtracted(line)).toBeUndefined();
    }
  });
});

describe("the object of a document", () => {
  const object = (key: string): InputFile => ({ bucket: "b", key, size: 1 });
  const files = new Map([
    ["mail.eml", [object("in/mail.eml")]],
    ["report.pdf", [object("in/a/report.pdf"), object("in/b/report.pdf")]],
  ]);

  it("is that of its name", () => {
    expect(sourceOf(files, "b/report.pdf", 0)).toEqual({ file: object("in/b/report.pdf"), part: false });
  });

  it("is that of its message, for an attachment", () => {
    expect(sourceOf(files, "mail.eml/message-1/report.pdf", 0)).toEqual({ file: object("in/mail.eml"), part: true });
    expect(sourceOf(files, "other.eml/report.pdf", 0)).toBeUndefined();
  });
});

it("only PNG and JPEG are shown as images, by their content", () => {
  expect(imageType(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0))).toBe("image/png");
  expect(imageType(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toBe("image/jpeg");
  expect(imageType(new TextEncoder().encode("<svg onload='x()'>"))).toBeUndefined();
});

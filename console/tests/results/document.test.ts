import { describe, expect, it } from "vitest";
import { codePointLength, unitIndexes } from "../../src/results/document/codePoints";
import { decodeDocument } from "../../src/results/document/decode";
import { candidates } from "../../src/results/document/inputFiles";
import { LineScanner } from "../../src/results/document/lineScanner";
import { pageEnds, place, segments } from "../../src/results/document/segments";

const finding = (begin: number, end: number, text?: string) => ({
  type: "PERSON",
  score: 1,
  begin,
  end,
  ...(text !== undefined && { text }),
});

describe("offsets", () => {
  it("count code points, not UTF-16 units", () => {
    expect(codePointLength("a😀b")).toBe(3);
    expect(codePointLength("\ud83dx\ude00")).toBe(3);
    const text = "😀 Mara 👩‍👩‍👧 Olsen";
    const { placed, misplaced } = place(text, [finding(2, 6, "Mara"), finding(13, 18, "Olsen")]);
    expect(placed.map(({ from, until }) => text.slice(from, until))).toEqual(["Mara", "Olsen"]);
    expect(misplaced).toEqual([]);
  });

  it("are the same in texts from right to left, with vowel signs and marks of direction", () => {
    // Offsets count characters as they are read, not as they are shown.
    const text = "\u200fوُلِدَت ماري كوري في وارسو عام 1867، وعاشت في Paris.";
    const found = ["ماري كوري", "وارسو", "1867", "Paris"].map((part) => {
      const begin = [...text.slice(0, text.indexOf(part))].length;
      return finding(begin, begin + [...part].length, part);
    });
    const { placed, misplaced } = place(text, found);
    expect(misplaced).toEqual([]);
    expect(placed.map(({ from, until }) => text.slice(from, until))).toEqual(["ماري كوري", "وارسو", "1867", "Paris"]);
  });

  it("beyond the end have no position", () => {
    const places = unitIndexes("ab", [0, 2, 3]);
    expect([places.get(0), places.get(2), places.get(3)]).toEqual([0, 2, undefined]);
  });

  it("reports findings whose text is no longer there", () => {
    const findings = [
      finding(0, 4, "Mara"),
      finding(0, 4, "Nora"),
      finding(90, 99, "x"),
      finding(2 ** 40, 2 ** 41, "y"),
    ];
    expect(place("Mara Olsen", findings).misplaced).toEqual([1, 2, 3]);
  });
});

describe("segments", () => {
  const cut = (text: string, ...findings: ReturnType<typeof finding>[]) =>
    segments(place(text, findings).placed, 0, text.length).map(({ from, until, over }) => [
      text.slice(from, until),
      over.map(({ number }) => number),
    ]);

  it("cover the whole text once", () => {
    expect(cut("abcdef", finding(1, 3), finding(4, 5))).toEqual([
      ["a", []],
      ["bc", [0]],
      ["d", []],
      ["e", [1]],
      ["f", []],
    ]);
  });

  it("have the innermost finding first where findings overlap", () => {
    expect(cut("abcdef", finding(0, 4), finding(2, 6), finding(2, 3))).toEqual([
      ["ab", [0]],
      ["c", [2, 1, 0]],
      ["d", [1, 0]],
      ["ef", [1]],
    ]);
  });

  it("mark nothing for an empty finding", () => {
    expect(cut("ab", finding(1, 1, ""))).toEqual([["ab", []]]);
  });

  it("end pages at whole characters and outside findings", () => {
    const text = "😀".repeat(1000);
    const ends = pageEnds(text, [], 301);
    for (const end of ends) expect(end % 2).toBe(0);
    expect(ends.at(-1)).toBe(text.length);
    const marked = place("x".repeat(1000), [finding(295, 310)]).placed;
    expect(pageEnds("x".repeat(1000), marked, 300)[0]).toBe(295);
  });
});

describe("lines of a large file", () => {
  const scannerOf = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    const reads: number[] = [];
    const scanner = new LineScanner(bytes.length, async (begin, end) => {
      reads.push(begin);
      return bytes.subarray(begin, end);
    });
    const line = async (number: number): Promise<string | undefined> => {
      const found = await scanner.find(number);
      return found && new TextDecoder().decode(bytes.subarray(found.begin, found.end));
    };
    return { line, reads };
  };

  it("end at LF, CR and CRLF, and the last line break begins no line", async () => {
    const { line } = scannerOf("a\r\nb\rc\n\nd\u2028e\r\n");
    expect(await Promise.all([0, 1, 2, 3, 4, 5].map(line))).toEqual(["a", "b", "c", "", "d\u2028e", undefined]);
  });

  it("may end without a line break", async () => {
    expect(await scannerOf("a\nb").line(1)).toBe("b");
  });

  it("may have CRLF across two reads", async () => {
    const first = "x".repeat(1024 * 1024 - 1);
    const { line } = scannerOf(`${first}\r\nsecond\r\nthird`);
    expect([await line(1), await line(2)]).toEqual(["second", "third"]);
  });

  it("are searched from the nearest known line", async () => {
    const { line, reads } = scannerOf(Array.from({ length: 30_000 }, (_, at) => `${at} ${"x".repeat(100)}`).join("\n"));
    expect(await line(29_000)).toMatch(/^29000 x/);
    const passed = reads.length;
    expect(await line(28_999)).toMatch(/^28999 x/);
    expect(reads.length - passed).toBeLessThan(3);
    expect(await line(30_000)).toBeUndefined();
  });
});

describe("decoding", () => {
  it("drops a byte order mark only at the start of a file", () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0x61]);
    expect(decodeDocument(bytes, true)).toBe("a");
    expect(decodeDocument(bytes, false)).toBe("\ufeffa");
  });

  it("detects what is not UTF-8", () => {
    expect(decodeDocument(new Uint8Array([0x61, 0xff]), true)).toBeUndefined();
  });
});

describe("objects with the same name in results", () => {
  it("are tried in order, the most likely first", () => {
    const file = (key: string) => ({ bucket: "b", key, size: 1 });
    const files = new Map([["x", [file("1/x"), file("2/x"), file("3/x")]]]);
    expect(candidates(files, "x", 1).map(({ key }) => key)).toEqual(["2/x", "1/x", "3/x"]);
    expect(candidates(files, "x", 9).map(({ key }) => key)).toEqual(["1/x", "2/x", "3/x"]);
    expect(candidates(files, "y", 0)).toEqual([]);
  });
});

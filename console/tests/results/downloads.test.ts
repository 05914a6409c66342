import { strFromU8, unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { excerptOf, textBeside } from "../../src/results/downloads/beside";
import { csvCell, csvOriginal, csvRow } from "../../src/results/downloads/csv";
import { safeFileName } from "../../src/results/downloads/fileNames";
import { columnsOf, rowsOf } from "../../src/results/downloads/tables";
import { XlsxFile, xlsxCell } from "../../src/results/downloads/xlsx";
import { readRecord } from "../../src/results/reading/records";

describe("cells", () => {
  it.each(["=1+1", "+1", "-1", "@SUM", "\tx", "\rx", "\nx", "'x", "\uff1d1"])(
    "makes %j harmless, and restores it",
    (text) => {
      const cell = csvCell(text);
      expect(cell.replace(/^"/, "").startsWith("'")).toBe(true);
      const inner = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
      expect(csvOriginal(inner)).toBe(text);
    },
  );

  it("leaves numbers and other text as they are", () => {
    expect(csvRow([-1, 0.5, "a=b", undefined, 'say "hi", please', "two\nlines"])).toBe(
      '-1,0.5,a=b,,"say ""hi"", please","two\nlines"\r\n',
    );
  });
});

describe("workbooks", () => {
  it.each([
    ["=1+1", "=1+1"],
    ["a & b < c > d", "a &amp; b &lt; c &gt; d"],
    ["bell\u0007, zero\u0000, cr\r", "bell_x0007_, zero_x0000_, cr_x000D_"],
    ["_x0041_ stays", "_x005F_x0041_ stays"],
    ["half \ud83d", "half \ufffd"],
    ["\ufffe", "_xFFFE_"],
    [" two\n lines ", " two\n lines "],
  ])("writes %j as a text that XML can hold", (text, written) => {
    expect(xlsxCell(text)).toBe(`<c t="inlineStr"><is><t xml:space="preserve">${written}</t></is></c>`);
  });

  it("writes numbers as numbers, and nothing for what is not a number", () => {
    expect([0, -1.5, Number.NaN, Number.POSITIVE_INFINITY, undefined].map(xlsxCell)).toEqual([
      "<c><v>0</v></c>",
      "<c><v>-1.5</v></c>",
      ...["<c/>", "<c/>", "<c/>"],
    ]);
  });

  it("cuts a text that is too long for a cell", () => {
    expect(xlsxCell("x".repeat(40_000))).toContain(`${"x".repeat(32_766)}…<`);
  });

  it("continues in another sheet when one is full", async () => {
    const file = new XlsxFile([{ name: "N", type: "INT32" }], 3);
    for (const number of [1, 2, 3, 4, 5]) file.add([number]);
    const names = unzipSync(new Uint8Array(await file.finish().arrayBuffer()));
    const sheet = (number: number) => strFromU8(names[`xl/worksheets/sheet${number}.xml`] ?? new Uint8Array(0));
    expect([1, 2, 3].map((number) => sheet(number).match(/<v>\d<\/v>/g))).toEqual([
      ["<v>1</v>", "<v>2</v>"],
      ["<v>3</v>", "<v>4</v>"],
      ["<v>5</v>"],
    ]);
    for (const [name, content] of Object.entries(names)) {
      const parsed = new DOMParser().parseFromString(strFromU8(content), "application/xml");
      expect(parsed.querySelector("parsererror"), name).toBeNull();
    }
  });
});

describe("the text beside a finding", () => {
  const at = (begin: number, end: number) => ({ type: "X", score: 1, begin, end });

  it("is its context", () => {
    const text = `${"😀".repeat(150)}here${"b".repeat(150)}`;
    expect(textBeside(text, at(150, 154))).toBe(`…${"😀".repeat(100)}here${"b".repeat(100)}…`);
    expect(textBeside("Mara came", at(0, 4))).toBe("Mara came");
    // A text that was changed later may be shorter than the position: only its beginning can be shown.
    expect(textBeside("short", at(50, 60))).toBe("short");
  });

  it("is the whole document if a finding has no position in it", () => {
    expect(textBeside("Fine.", { type: "POSITIVE", score: 1 })).toBe("Fine.");
    expect(textBeside("x".repeat(40_000), undefined)).toHaveLength(32_000);
    expect(textBeside(undefined, undefined)).toBeUndefined();
  });

  it("is on one line in a list", () => {
    expect(excerptOf(" Two\n  lines ", 20)).toBe("Two lines");
    expect(excerptOf("abcdefgh", 4)).toBe("abc…");
  });
});

describe("rows", () => {
  it.each([
    "entities",
    "key-phrases",
    "dominant-language",
    "sentiment",
    "targeted-sentiment",
    "classification",
  ] as const)("have a cell for each column of %s, with and without findings", (kind) => {
    const mention = { BeginOffset: 0, EndOffset: 1, Score: 1, Text: "x", Type: "OTHER" };
    const record = readRecord(
      kind,
      JSON.stringify({
        File: "a",
        Line: 0,
        Entities: [kind === "targeted-sentiment" ? { Mentions: [mention] } : mention],
        KeyPhrases: [mention],
        Languages: [{ LanguageCode: "de", Score: 1 }],
        Classes: [{ Name: "x", Score: 1 }],
        Sentiment: "MIXED",
        SentimentScore: { Mixed: 1 },
      }),
    );
    expect(record.findings).toHaveLength(1);
    const rows = [...rowsOf(kind, record), ...rowsOf(kind, { file: "b", findings: [] })];
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(row).toHaveLength(columnsOf(kind).length);
  });
});

describe("file names", () => {
  it.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\Windows\\x.csv", "x.csv"],
    ["re\u202evsc.exe", "revsc.exe"],
    ["a\0b\nc\u200b.csv", "abc.csv"],
    ["CON.csv", "_CON.csv"],
    ["..", "results"],
    ["", "results"],
    ['<b>"x"|?*</b>.csv', "b.csv"],
    ["\ud83dx.csv", "\ufffdx.csv"],
    [".hidden", "hidden"],
    ["Füße 😀.csv", "Füße 😀.csv"],
  ])("makes %j %j", (name, safe) => {
    expect(safeFileName(name)).toBe(safe);
  });

  it("keeps the extension of a long name, and whole characters", () => {
    const name = safeFileName(`${"😀".repeat(300)}.tar.gz`);
    expect([...name].length).toBe(120);
    expect(name.endsWith("😀.tar.gz")).toBe(true);
  });
});

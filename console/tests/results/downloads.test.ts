import { describe, expect, it } from "vitest";
import { csvCell, csvOriginal, csvRow } from "../../src/results/downloads/csv";
import { safeFileName } from "../../src/results/downloads/fileNames";
import { columnsOf, rowsOf } from "../../src/results/downloads/tables";
import { readRecord } from "../../src/results/reading/records";

describe("cells", () => {
  it.each(["=1+1", "+1", "-1", "@SUM", "\tx", "\rx", "\nx", "'x", "\uff1d1"])("makes %j harmless, and back", (text) => {
    const cell = csvCell(text);
    expect(cell.replace(/^"/, "").startsWith("'")).toBe(true);
    const inner = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
    expect(csvOriginal(inner)).toBe(text);
  });

  it("leaves numbers and other text as they are", () => {
    expect(csvRow([-1, 0.5, "a=b", undefined, 'say "hi", please', "two\nlines"])).toBe(
      '-1,0.5,a=b,,"say ""hi"", please","two\nlines"\r\n',
    );
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

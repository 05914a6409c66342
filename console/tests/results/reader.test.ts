// @vitest-environment node
import { strFromU8, unzipSync } from "fflate";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import type { ResultKind } from "../../src/kinds/rows.generated";
import { buildDownload, type DownloadRequest } from "../../src/results/downloads/build";
import { csvOriginal } from "../../src/results/downloads/csv";
import { parseCsv } from "../../src/results/reading/csvRows";
import { NO_FILTER, type ResultFilter } from "../../src/results/reading/filter";
import { LIMITS } from "../../src/results/reading/limits";
import { ResultReader } from "../../src/results/reading/resultReader";
import { archiveOf, inParts, lines } from "./archives";

const entity = (text: string, type: string, score: number, begin = 0) => ({
  BeginOffset: begin,
  EndOffset: begin + [...text].length,
  Score: score,
  Text: text,
  Type: type,
});

const OUTPUT = lines(
  { Entities: [entity("Mara Olsen", "PERSON", 0.99), entity("Tromsø", "LOCATION", 0.6)], File: "a.txt", Line: 0 },
  { Entities: [], File: "a.txt", Line: 1 },
  { ErrorCode: "EMPTY_DOCUMENT", ErrorMessage: 'it is, "empty"', File: "a.txt", Line: 2 },
  { Entities: [entity("=SUM(A1)", "OTHER", 0.9), entity("Mara Olsen", "PERSON", 0.4)], File: "b.txt", Line: 0 },
);

function read(kind: ResultKind, output: string, name = "output", limits = LIMITS, byLine = true): ResultReader {
  const reader = new ResultReader(kind, byLine, limits);
  for (const part of inParts(archiveOf({ name, content: output }), 700)) reader.push(part);
  reader.finish();
  return reader;
}

/** The reader with the documents beside the result. */
function withTexts(reader: ResultReader): ResultReader {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  reader.texts.add("in/a.txt", encode("\ufeffMara Olsen came from Tromsø.\r\nNobody was there.\n\nA hidden word"));
  reader.texts.add("in/b.txt", encode("=SUM(A1) says Mara Olsen"));
  return reader;
}

const select = async (reader: ResultReader, filter: Partial<ResultFilter>): Promise<number[]> => [
  ...(await reader.select({ ...NO_FILTER, ...filter })),
];

describe("objects of a folder", () => {
  it("are read like the files of an archive, with places and without their texts", async () => {
    const found = { BeginOffset: 0, EndOffset: 4, Type: "NAME", Score: 0.5 };
    const reader = new ResultReader("pii", true);
    for (const file of ["a.txt", "b.txt"]) {
      reader.beginFile({ name: `${file}.out`, size: 0 });
      reader.pushFile(new TextEncoder().encode(lines({ Entities: [found], File: file, Line: 0 })));
    }
    reader.finish();
    expect(reader.summary()).toMatchObject({ records: 2, findings: 2, files: 2 });
    expect(reader.summary().members.map(({ name }) => name)).toEqual(["a.txt.out", "b.txt.out"]);
    expect((await reader.record(1)).findings).toEqual([{ type: "NAME", score: 0.5, begin: 0, end: 4 }]);
  });

  it("may have their documents' texts beside them, which are no results", async () => {
    const reader = new ResultReader("pii", false);
    const file = (name: string, ...content: object[]): void => {
      reader.beginFile({ name, size: 0 });
      reader.pushFile(new TextEncoder().encode(lines(...content)));
    };
    file("a.pdf.documents.jsonl", { File: "a.pdf", Format: "pdf", Text: "Mara Olsen" });
    file("a.pdf.out", { Entities: [], File: "a.pdf" });
    reader.finish();
    expect(reader.summary()).toMatchObject({ records: 1, errors: 0 });
    expect(await reader.extracted(0)).toMatchObject({ format: "pdf", text: "Mara Olsen" });
  });
});

describe("a result", () => {
  it("counts its contents", () => {
    const summary = read("entities", OUTPUT).summary();
    expect(summary).toMatchObject({ records: 4, errors: 1, findings: 4, files: 2 });
    expect(summary.types[0]).toEqual({ type: "PERSON", findings: 2, documents: 2, leading: 1 });
    expect(summary.frequent[0]).toEqual({ text: "Mara Olsen", type: "PERSON", count: 2 });
    expect(summary.errorCodes).toEqual([{ code: "EMPTY_DOCUMENT", count: 1 }]);
    expect(summary.members).toMatchObject([{ name: "output", begin: 0, end: OUTPUT.length + 1 }]);
  });

  it("searches the texts that the job extracted from documents, which are no results", async () => {
    const pdf = { Entities: [entity("Mara Olsen", "PERSON", 0.99)], File: "a.pdf" };
    const extracted = lines({ File: "a.pdf", Text: "Mara Olsen, a hidden word" }, "{broken", { File: 5 });
    const reader = new ResultReader("entities", false, LIMITS);
    const archive = archiveOf({ name: "output", content: lines(pdf) }, { name: "documents.jsonl", content: extracted });
    for (const part of inParts(archive, 700)) reader.push(part);
    reader.finish();
    expect(reader.summary()).toMatchObject({ records: 1, errors: 0 });
    expect(await select(reader, { search: "hidden word" })).toEqual([0]);
    expect(await reader.extracted(0)).toMatchObject({ text: "Mara Olsen, a hidden word", blocks: [] });
  });

  it("returns a record", async () => {
    const reader = read("entities", OUTPUT);
    expect((await reader.record(3)).findings.map(({ text }) => text)).toEqual(["=SUM(A1)", "Mara Olsen"]);
  });

  it("returns several records, adjacent or far apart", async () => {
    const reader = read("entities", OUTPUT);
    expect(await reader.records([3, 0])).toEqual([await reader.record(3), await reader.record(0)]);
    expect(await reader.records([])).toEqual([]);
    const far = (Line: number) => ({ Entities: [entity("y".repeat(1_500_000), "OTHER", 1)], File: "far.txt", Line });
    const long = read("entities", lines(far(0), far(1)));
    expect((await long.records([0, 1])).map(({ line }) => line)).toEqual([0, 1]);
  });

  it("filters by type and confidence together: one finding must match both", async () => {
    const reader = read("entities", OUTPUT);
    expect(await select(reader, {})).toEqual([0, 1, 2, 3]);
    expect(await select(reader, { types: ["PERSON"] })).toEqual([0, 3]);
    expect(await select(reader, { types: ["PERSON"], leastScore: 0.9 })).toEqual([0]);
    expect(await select(reader, { leastScore: 0.99 })).toEqual([0]);
    expect(await select(reader, { types: ["LOCATION"], leastScore: 0.9 })).toEqual([]);
    expect(await select(reader, { types: ["NO_SUCH"] })).toEqual([]);
    expect(await select(reader, { documents: "errors" })).toEqual([2]);
    expect(await select(reader, { documents: "found" })).toEqual([0, 3]);
    expect(await select(reader, { documents: "found", order: "score" })).toEqual([0, 3]);
  });

  it("searches in names, texts, types and errors, escaped or not", async () => {
    const reader = read("entities", OUTPUT + lines('{"Entities": [], "File": "\\u00c4pfel.txt", "Line": 0}'));
    expect(await select(reader, { search: "tromsø" })).toEqual([0]);
    expect(await select(reader, { search: "empty_doc" })).toEqual([2]);
    expect(await select(reader, { search: "b.txt" })).toEqual([3]);
    expect(await select(reader, { search: "a.txt:2" })).toEqual([1]);
    expect(await select(reader, { search: "äpfel" })).toEqual([4]);
    expect(await select(reader, { search: "BeginOffset" })).toEqual([]);
  });

  it("searches the documents themselves, once they have been read", async () => {
    const reader = read("entities", OUTPUT);
    expect(await select(reader, { search: "nobody WAS" })).toEqual([]);
    withTexts(reader);
    expect(await select(reader, { search: "nobody WAS" })).toEqual([1]);
    expect(await select(reader, { search: "came from" })).toEqual([0]);
    expect(await select(reader, { search: "came from", types: ["OTHER"] })).toEqual([]);
    expect(await select(reader, { search: "hidden" })).toEqual([]);
    const binary = read("entities", lines({ Entities: [], File: "bad.txt" }), "output", LIMITS, false);
    binary.texts.add("bad.txt", new Uint8Array([0xff, 0xfe, 0x62, 0x61, 0x64]));
    expect(await binary.texts.textOf(binary.index, 0)).toBe("");
  });

  it("finds the text of each of two files of the same name, by order or by folder", async () => {
    const at = (File: string, Line: number) => ({ Entities: [], File, Line });
    const reader = read("entities", lines(at("x", 0), at("x", 0), at("b/x", 0)));
    for (const key of ["a/x", "b/x"]) reader.texts.add(key, new TextEncoder().encode(`text of ${key}\n`));
    const texts = await Promise.all([0, 1, 2].map((number) => reader.texts.textOf(reader.index, number)));
    expect(texts).toEqual(["text of a/x", "text of b/x", "text of b/x"]);
  });

  it("finds a document by its position alone, if its line could not be kept either", async () => {
    const long = { Entities: [entity("x".repeat(5000), "OTHER", 1)], File: "long.txt", Line: 0 };
    const reader = read("entities", OUTPUT + lines(long), "output", { ...LIMITS, lineBytes: 1000 });
    expect(await select(reader, { search: "B.TXT:1" })).toEqual([3]);
    expect(await select(reader, { search: "(none)" })).toEqual([4]);
    // A colon does not mean a position: findings may have one, too.
    const said = lines({ Entities: [entity("at 10:30", "DATE", 1)], File: "c.txt", Line: 0 });
    expect(await select(read("entities", said), { search: "10:30" })).toEqual([0]);
  });

  it("counts the texts of each type, long ones by their beginning", () => {
    const long = "x".repeat(300);
    const found = [entity("May", "DATE", 1), entity("May", "PERSON", 1), entity("May", "DATE", 1)];
    const output = lines({ Entities: [...found, entity(`${long}1`, "OTHER", 1), entity(`${long}2`, "OTHER", 1)] });
    expect(read("entities", output).summary().frequent).toEqual([
      { text: "May", type: "DATE", count: 2 },
      { text: "x".repeat(200), type: "OTHER", count: 2 },
      { text: "May", type: "PERSON", count: 1 },
    ]);
  });

  it("stops a search on request", async () => {
    const reader = read("entities", OUTPUT);
    let asked = 0;
    await reader.select({ ...NO_FILTER, search: "mara" }, () => {
      asked += 1;
      return false;
    });
    expect(asked).toBe(1);
  });

  it("knows to which of two files of the same name a record belongs", () => {
    const at = (File: string, Line?: number) => ({ Entities: [], File, ...(Line !== undefined && { Line }) });
    const byLine = read("entities", lines(at("x", 0), at("x", 1), at("x", 0), at("y", 0), at("x", 0))).index;
    expect([0, 1, 2, 3, 4].map((record) => byLine.runOf(record))).toEqual([0, 0, 1, 0, 2]);
    const byFile = read("entities", lines(at("x"), at("x"), at("y"))).index;
    expect([0, 1, 2].map((record) => byFile.runOf(record))).toEqual([0, 1, 0]);
  });

  it("shows what is below a limit, and says that there is more", () => {
    const small = { ...LIMITS, records: 2 };
    const reader = new ResultReader("entities", true, small);
    expect(() => reader.push(archiveOf({ name: "output", content: OUTPUT }))).toThrow(/more than 2 documents/);
    expect(reader.summary().records).toBe(2);
  });

  it("does not keep a line that is too long, and continues", () => {
    const long = { Entities: [entity("x".repeat(5000), "OTHER", 1)], File: "long", Line: 0 };
    const reader = read("entities", lines(long) + OUTPUT, "output", { ...LIMITS, lineBytes: 1000 });
    expect(reader.summary()).toMatchObject({ records: 5, errors: 2 });
  });

  it("reads a line of ten megabytes", async () => {
    const text = "😀".repeat(2_500_000);
    const found = { BeginOffset: 0, EndOffset: 2_500_000, Score: 1, Text: text, Type: "OTHER" };
    const reader = read("entities", lines({ Entities: [found], File: "l", Line: 0 }));
    expect((await reader.record(0)).findings[0]?.text).toHaveLength(5_000_000);
  }, 60_000);
});

describe("topics", () => {
  const archive = archiveOf(
    { name: "topic-terms.csv", content: "topic,term,weight\n000,bread,0.08\n000,oven,0.05\n001,ship,0.2\n" },
    {
      name: "doc-topics.csv",
      content: "docname,topic,proportion\nb.txt:0,000,0.9\nb.txt:0,001,0.1\nb.txt:1,001,1.0\nnonsense\n",
    },
  );

  it("has documents and terms", async () => {
    const reader = new ResultReader("topics", true);
    reader.push(archive);
    reader.finish();
    const summary = reader.summary();
    expect(summary.terms).toHaveLength(3);
    expect(summary).toMatchObject({ records: 3, errors: 1 });
    expect(summary.types.find(({ type }) => type === "001")).toMatchObject({ documents: 2, leading: 1 });
    expect(await select(reader, { types: ["001"], order: "score" })).toEqual([2, 0]);
    const csv = await (await buildDownload(reader, { table: "terms", format: "csv" }, () => true))?.text();
    expect(csv).toBe("Topic,Term,Weight\r\n000,bread,0.08\r\n000,oven,0.05\r\n001,ship,0.2\r\n");
  });
});

describe("downloads", () => {
  const build = async (reader: ResultReader, request: DownloadRequest): Promise<Blob> => {
    const blob = await buildDownload(reader, request, () => true);
    if (blob === undefined) throw new Error("it was stopped");
    return blob;
  };

  it("writes every document to the CSV, with formulas made harmless, and restores them", async () => {
    const blob = await build(read("entities", OUTPUT), { table: "documents", format: "csv" });
    const [head, ...rows] = parseCsv(await blob.text());
    expect(head).toEqual([
      "File",
      "Line",
      "BeginOffset",
      "EndOffset",
      "Type",
      "Text",
      "Score",
      "DocumentText",
      "ErrorCode",
      "ErrorMessage",
    ]);
    // The byte order mark, by which spreadsheets recognize UTF-8.
    expect([...new Uint8Array(await blob.arrayBuffer()).slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(rows).toHaveLength(6);
    expect(rows[3]?.slice(-2)).toEqual(["EMPTY_DOCUMENT", 'it is, "empty"']);
    expect(rows[4]?.[5]).toBe("'=SUM(A1)");
    expect(rows.map((row) => csvOriginal(row[5] ?? ""))).toContain("=SUM(A1)");
  });

  it("writes what the filter shows, and no more", async () => {
    const filter = { ...NO_FILTER, types: ["PERSON"], leastScore: 0.9 };
    const blob = await build(read("entities", OUTPUT), { table: "documents", format: "csv", filter });
    expect(parseCsv(await blob.text()).slice(1)).toEqual([
      ["a.txt", "1", "0", "10", "PERSON", "Mara Olsen", "0.99", "", "", ""],
    ]);
  });

  it("gives the original JSON lines", async () => {
    const blob = await build(read("entities", OUTPUT), { table: "documents", format: "jsonl" });
    expect(await blob.text()).toBe(OUTPUT);
  });

  it("writes Parquet that another reader reads", async () => {
    const hostile = lines({ Entities: [entity("\ud83d half", "X", 1, 2 ** 40)], File: "c", Line: 0 });
    const blob = await build(read("entities", OUTPUT + hostile), { table: "documents", format: "parquet" });
    const rows = await parquetReadObjects({ file: await blob.arrayBuffer() });
    expect(rows).toHaveLength(7);
    expect(rows[0]).toMatchObject({ File: "a.txt", Line: 0, EndOffset: 10, Text: "Mara Olsen", Score: 0.99 });
    expect(rows[3]).toMatchObject({ Line: 2, ErrorCode: "EMPTY_DOCUMENT" });
    expect(rows[6]).toMatchObject({ File: "c", Text: "\ufffd half" });
  });

  it("writes empty Parquet", async () => {
    const blob = await build(read("entities", ""), { table: "documents", format: "parquet" });
    expect(await parquetReadObjects({ file: await blob.arrayBuffer() })).toEqual([]);
  });

  it("writes the text beside each finding, and counts lines from 1", async () => {
    const reader = withTexts(read("entities", OUTPUT));
    const [, ...rows] = parseCsv(await (await build(reader, { table: "documents", format: "csv" })).text());
    expect(rows.map(([file, line, , , , , , text]) => [file, line, text])).toEqual([
      ["a.txt", "1", "Mara Olsen came from Tromsø."],
      ["a.txt", "1", "Mara Olsen came from Tromsø."],
      ["a.txt", "2", "Nobody was there."],
      ["a.txt", "3", ""],
      ["b.txt", "1", "'=SUM(A1) says Mara Olsen"],
      ["b.txt", "1", "'=SUM(A1) says Mara Olsen"],
    ]);
    const parquet = await build(reader, { table: "documents", format: "parquet" });
    expect((await parquetReadObjects({ file: await parquet.arrayBuffer() }))[0]).toMatchObject({ Line: 0 });
  });

  it("writes a workbook in which every text is a string", async () => {
    const blob = await build(withTexts(read("entities", OUTPUT)), { table: "documents", format: "xlsx" });
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    expect(Object.keys(files).sort()).toEqual([
      "[Content_Types].xml",
      "_rels/.rels",
      "xl/_rels/workbook.xml.rels",
      "xl/workbook.xml",
      "xl/worksheets/sheet1.xml",
    ]);
    const sheet = strFromU8(files["xl/worksheets/sheet1.xml"] ?? new Uint8Array(0));
    expect(sheet.match(/<row>/g)).toHaveLength(7);
    expect(sheet).toContain('<c t="inlineStr"><is><t xml:space="preserve">=SUM(A1)</t></is></c>');
    expect(sheet).toContain("<c><v>0.99</v></c>");
    expect(sheet).not.toContain("<f>");
  });

  it("stops on request", async () => {
    expect(await buildDownload(read("entities", OUTPUT), { table: "documents", format: "csv" }, () => false)).toBe(
      undefined,
    );
  });
});

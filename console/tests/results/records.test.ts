import { describe, expect, it } from "vitest";
import { parseCsv } from "../../src/results/reading/csvRows";
import { LineCutter, TOO_LONG } from "../../src/results/reading/lines";
import { readRecord, UNREADABLE } from "../../src/results/reading/records";
import { readDocumentName, readDocumentRows, readTerm } from "../../src/results/reading/topicTables";

describe("records", () => {
  it("reads entities with their positions", () => {
    const line =
      '{"Entities": [{"BeginOffset": 0, "EndOffset": 10, "Score": 0.99, "Text": "Mara Olsen", "Type": "PERSON"}], "File": "a.txt", "Line": 3}';
    expect(readRecord("entities", line)).toEqual({
      file: "a.txt",
      line: 3,
      findings: [{ type: "PERSON", score: 0.99, begin: 0, end: 10, text: "Mara Olsen" }],
    });
  });

  it("reads a line number that is a string, and labels as several", () => {
    const line = '{"File": "t.txt", "Line": "7", "Labels": [{"Name": "billing", "Score": 0.8}]}';
    const read = readRecord("classification", line);
    expect(read).toMatchObject({ line: 7, several: true, findings: [{ type: "billing", score: 0.8 }] });
  });

  it("reads the sentiment's own score and all four", () => {
    const line =
      '{"File": "r", "Sentiment": "POSITIVE", "SentimentScore": {"Mixed": 0, "Negative": 0.1, "Neutral": 0.2, "Positive": 0.7}}';
    const read = readRecord("sentiment", line);
    expect(read.findings).toEqual([{ type: "POSITIVE", score: 0.7 }]);
    expect(read.toneScores).toEqual({ Mixed: 0, Negative: 0.1, Neutral: 0.2, Positive: 0.7 });
    expect(read.line).toBeUndefined();
  });

  it("flattens mentions and keeps the entity of each", () => {
    const mention = (text: string) => ({
      BeginOffset: 0,
      EndOffset: 1,
      Score: 1,
      GroupScore: 0.5,
      Text: text,
      Type: "OTHER",
      MentionSentiment: { Sentiment: "NEGATIVE", SentimentScore: { Negative: 1 } },
    });
    const entities = [
      { DescriptiveMentionIndex: [1], Mentions: [mention("it"), mention("lamp")] },
      { DescriptiveMentionIndex: [0], Mentions: [mention("shop")] },
    ];
    const read = readRecord("targeted-sentiment", JSON.stringify({ Entities: entities, File: "l", Line: 0 }));
    expect(read.findings.map(({ text, group, best, tone }) => [text, group, best, tone])).toEqual([
      ["it", 0, false, "NEGATIVE"],
      ["lamp", 0, true, "NEGATIVE"],
      ["shop", 1, true, "NEGATIVE"],
    ]);
  });

  it("flattens the triggers of events, each with the event's arguments", () => {
    const mention = (Text: string) => ({ BeginOffset: 0, EndOffset: 1, Score: 1, GroupScore: 1, Text, Type: "X" });
    const trigger = (BeginOffset: number, Text: string) => ({
      ...mention(Text),
      BeginOffset,
      EndOffset: 99,
      Type: "IPO",
    });
    const line = JSON.stringify({
      Entities: [{ Mentions: [mention("HSI"), mention("Harbor Steel Inc.")] }, { Mentions: [mention("$12.00")] }],
      Events: [
        {
          Type: "IPO",
          Triggers: [trigger(0, "IPO"), trigger(9, "offering")],
          Arguments: [
            { EntityIndex: 0, Role: "OFFEROR", Score: 0.8 },
            { EntityIndex: 9, Role: "SHARE_PRICE", Score: 0.7 },
          ],
        },
        { Type: "IPO", Triggers: [trigger(40, "listing")], Arguments: [] },
      ],
      File: "a.txt",
    });
    const read = readRecord("events", line);
    expect(read.findings.map(({ text, begin, group }) => [text, begin, group])).toEqual([
      ["IPO", 0, 0],
      ["offering", 9, 0],
      ["listing", 40, 1],
    ]);
    expect(read.findings[0]?.roles).toEqual([
      { role: "OFFEROR", text: "Harbor Steel Inc.", score: 0.8 },
      { role: "SHARE_PRICE", text: "(none)", score: 0.7 },
    ]);
    expect(read.findings[1]?.roles).toBe(read.findings[0]?.roles);
    expect(read.findings[2]?.roles).toEqual([]);
  });

  it("reads a document's error", () => {
    const line = '{"ErrorCode": "DOCUMENT_SIZE_EXCEEDED", "ErrorMessage": "too large", "File": "a", "Line": 7}';
    expect(readRecord("entities", line)).toEqual({
      file: "a",
      line: 7,
      findings: [],
      error: { code: "DOCUMENT_SIZE_EXCEEDED", message: "too large" },
    });
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    "12",
    '{"File": "a"}',
    '{"File": "a", "Entities": {"length": 1e9}}',
    "[".repeat(100_000),
  ])("makes an error of what is no result: %.20s", (line) => {
    expect(readRecord("entities", line).error?.code).toBe(UNREADABLE);
  });

  it("survives hostile values", () => {
    const entities = [
      { BeginOffset: -1, EndOffset: 1e300, Score: "0.9", Text: 7, Type: { toString: "x" } },
      { BeginOffset: 9, EndOffset: 3, Score: [1], Text: "<script>alert(1)</script>", Type: "PERSON" },
      null,
      "x",
    ];
    const line = `{"__proto__": {"File": "evil"}, "Entities": ${JSON.stringify(entities)}, "Line": 1.5}`;
    const read = readRecord("entities", line);
    expect(read.file).toBe("(none)");
    expect(read.line).toBeUndefined();
    expect(read.findings).toEqual([
      { type: "(none)", score: 0 },
      { type: "PERSON", score: 0, text: "<script>alert(1)</script>" },
    ]);
  });
});

describe("lines of bytes", () => {
  const cut = (parts: string[], longest = 1000): unknown[] => {
    const found: unknown[] = [];
    const cutter = new LineCutter(longest, 100, (line, begin, end) =>
      found.push([line === TOO_LONG ? "too long" : new TextDecoder().decode(line), begin, end]),
    );
    for (const part of parts) cutter.push(new TextEncoder().encode(part));
    cutter.finish();
    return found;
  };

  it("gives each line with its position, however the bytes are divided", () => {
    const whole = [
      ["ab", 100, 102],
      ["", 103, 103],
      ["cde", 104, 107],
    ];
    expect(cut(["ab\n\ncde\n"])).toEqual(whole);
    expect(cut(["a", "b", "\n", "\nc", "d", "e"])).toEqual(whole);
  });

  it("does not keep a line that is too long, and continues after it", () => {
    expect(cut(["x".repeat(600), "x".repeat(600), "\nok\n"])).toEqual([
      ["too long", 100, 1300],
      ["ok", 1301, 1303],
    ]);
  });
});

describe("tables of topics", () => {
  it("reads quoted cells with commas, quotes and line breaks", () => {
    expect(parseCsv('a,"b, ""c""\r\nd",\r\ne,f,g')).toEqual([
      ["a", 'b, "c"\r\nd', ""],
      ["e", "f", "g"],
    ]);
  });

  it("loses nothing at an open quote", () => {
    expect(parseCsv('a,"b')).toEqual([["a", "b"]]);
  });

  it("reads terms, and skips the header", () => {
    expect(readTerm("topic,term,weight")).toBeUndefined();
    expect(readTerm("000,bread,0.084213")).toEqual({ topic: "000", term: "bread", weight: 0.084213 });
  });

  it("reads names of documents with and without lines", () => {
    expect(readDocumentName("a:b.txt:12", true)).toEqual({ file: "a:b.txt", line: 12 });
    expect(readDocumentName("a:b.txt:12", false)).toEqual({ file: "a:b.txt:12" });
  });

  it("combines a document's rows, with proportions in both notations", () => {
    expect(readDocumentRows("b.txt:1,000,0.99\nb.txt:1,003,3.57E-04\n", true)).toEqual({
      file: "b.txt",
      line: 1,
      findings: [
        { type: "000", score: 0.99 },
        { type: "003", score: 0.000357 },
      ],
    });
  });
});

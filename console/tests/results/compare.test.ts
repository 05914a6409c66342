// @vitest-environment node
import { describe, expect, it } from "vitest";
import { kindOf } from "../../src/jobs/kinds";
import type { ResultKind } from "../../src/kinds/rows.generated";
import { typeRows } from "../../src/results/compare/ComparisonView";
import { compareJobsPath, jobNames, whyNotCompared } from "../../src/results/compare/comparable";
import { type Comparison, compare } from "../../src/results/compare/compare";
import { COMPARE_LIMITS, type CompareLimits } from "../../src/results/compare/limits";
import { decode, encode, portableOf } from "../../src/results/compare/portable";
import { ResultReader } from "../../src/results/reading/resultReader";
import { archiveOf, lines } from "./archives";

const entity = (Text: string, Type: string, BeginOffset: number) => ({
  Text,
  Type,
  Score: 0.9,
  BeginOffset,
  EndOffset: BeginOffset + Text.length,
});

function read(kind: ResultKind, ...records: object[]): ResultReader {
  const reader = new ResultReader(kind, true);
  reader.push(archiveOf({ name: "output", content: lines(...records) }));
  reader.finish();
  return reader;
}

async function compared(
  one: ResultReader,
  other: ResultReader,
  limits: CompareLimits = COMPARE_LIMITS,
): Promise<Comparison> {
  return compare(decode(encode(await portableOf(one, limits))), await portableOf(other, limits), limits);
}

const line = (Line: number, ...Entities: object[]) => ({ File: "a.txt", Line, Entities });

describe("two results of the same documents", () => {
  const one = read(
    "entities",
    line(0, entity("Mara", "PERSON", 0), entity("Paris", "LOCATION", 9)),
    line(1, entity("Oslo", "LOCATION", 0)),
    { File: "a.txt", Line: 2, ErrorCode: "EMPTY_DOCUMENT", ErrorMessage: "" },
  );
  const other = read(
    "entities",
    line(0, entity("Mara", "PERSON", 0), entity("Paris", "PERSON", 9), entity("1900", "DATE", 20)),
    line(1, entity("Oslo", "LOCATION", 0)),
    line(2),
  );

  it("differ by document: in what only one found, in other labels at a place, in errors", async () => {
    const { shown, documents } = await compared(one, other);
    expect(documents).toEqual({ compared: 3, different: 2, onlyOne: 0, onlyOther: 0 });
    expect(shown).toMatchObject([
      {
        file: "a.txt",
        line: 0,
        onlyOne: [],
        onlyOther: [{ text: "1900", type: "DATE" }],
        changed: [{ one: { text: "Paris", label: "LOCATION" }, other: { label: "PERSON" } }],
        count: 2,
      },
      { line: 2, errors: { one: "EMPTY_DOCUMENT", other: undefined }, count: 1 },
    ]);
  });

  it("differ by type", async () => {
    const comparison = await compared(one, other);
    expect(comparison).toMatchObject({ both: 2, onlyOne: 1, onlyOther: 2, changed: 1, cut: false });
    expect(typeRows(comparison, [one.summary(), other.summary()], false)).toEqual([
      { type: "LOCATION", one: 2, other: 1, both: 1, onlyOne: 1, onlyOther: 0 },
      { type: "PERSON", one: 1, other: 2, both: 1, onlyOne: 0, onlyOther: 1 },
      { type: "DATE", one: 0, other: 1, both: 0, onlyOne: 0, onlyOther: 1 },
    ]);
  });

  it("are the same as themselves", async () => {
    expect(await compared(one, one)).toMatchObject({ documents: { compared: 3, different: 0 }, shown: [] });
  });

  it("are compared up to a limit, and say so without counting what was left out as missing", async () => {
    const limits = { ...COMPARE_LIMITS, documents: 2 };
    const short = read("entities", line(0, entity("Mara", "PERSON", 0)));
    const comparison = await compared(one, short, limits);
    expect(comparison.cut).toBe(true);
    expect(comparison.documents).toEqual({ compared: 1, different: 1, onlyOne: 1, onlyOther: 0 });
    expect((await compared(short, one, limits)).documents).toMatchObject({ onlyOne: 0, onlyOther: 1 });
    expect((await compared(one, other, { ...COMPARE_LIMITS, findings: 3 })).documents.compared).toBe(1);
    const few = await compared(one, other, { ...COMPARE_LIMITS, shown: 1, perDocument: 0 });
    expect(few.shown).toMatchObject([{ count: 2, onlyOther: [], changed: [] }]);
    expect(few.documents.different).toBe(2);
  });

  it("have documents that only one of them read", async () => {
    const more = read("entities", line(0), { ...line(0), File: "b.txt" });
    const { documents } = await compared(read("entities", line(0), line(1)), more);
    expect(documents).toEqual({ compared: 1, different: 0, onlyOne: 1, onlyOther: 1 });
  });
});

describe("results about whole documents", () => {
  const sentiment = (Sentiment: string) => ({ File: "a.txt", Line: 0, Sentiment, SentimentScore: {} });

  it("differ in the label that applies", async () => {
    const { shown } = await compared(read("sentiment", sentiment("POSITIVE")), read("sentiment", sentiment("MIXED")));
    expect(shown[0]?.changed).toMatchObject([{ one: { label: "POSITIVE" }, other: { label: "MIXED" } }]);
  });

  it("differ in each label, if several may apply", async () => {
    const labels = (...names: string[]) => ({
      File: "a.txt",
      Line: 0,
      Labels: names.map((Name) => ({ Name, Score: 0.8 })),
    });
    const comparison = await compared(
      read("classification", labels("billing", "urgent")),
      read("classification", labels("billing", "delivery")),
    );
    expect(comparison).toMatchObject({ both: 1, onlyOne: 1, onlyOther: 1, changed: 0 });
  });

  it("ignore languages that are only second best", async () => {
    const language = (...codes: string[]) => ({
      File: "a.txt",
      Line: 0,
      Languages: codes.map((LanguageCode, at) => ({ LanguageCode, Score: 1 - at / 2 })),
    });
    const comparison = await compared(
      read("dominant-language", language("en", "de")),
      read("dominant-language", language("en", "fr")),
    );
    expect(comparison.documents.different).toBe(0);
  });
});

describe("personal data, whose text no result repeats", () => {
  it("is named by its position", async () => {
    const place = { BeginOffset: 3, EndOffset: 9, Type: "NAME", Score: 0.9 };
    const { shown } = await compared(read("pii", line(0)), read("pii", line(0, place)));
    expect(shown[0]?.onlyOther).toMatchObject([{ text: "characters 3 to 9", type: "NAME" }]);
  });
});

describe("two jobs", () => {
  const listed = (slug: string, JobStatus: "COMPLETED" | "FAILED" = "COMPLETED", more: object = {}) => {
    const kind = kindOf(slug);
    if (kind === undefined) throw new Error(`no kind ${slug}`);
    return { kind, job: { JobStatus, ...more } };
  };

  it("can be compared if they have results of the same kind", () => {
    expect(whyNotCompared([listed("entities"), listed("entities")])).toBeUndefined();
    expect(whyNotCompared([listed("entities")])).toContain("two jobs");
    expect(whyNotCompared([listed("entities"), listed("pii")])).toContain("different types");
    expect(whyNotCompared([listed("topics"), listed("topics")])).toContain("topics");
    expect(whyNotCompared([listed("pii"), listed("pii", "COMPLETED", { Mode: "ONLY_REDACTION" })])).toContain(
      "redacted",
    );
    expect(whyNotCompared([listed("entities"), listed("entities", "FAILED")])).toContain("no results");
  });

  it("are distinguished by their ids if they have the same name", () => {
    expect(jobNames({ JobName: "a", JobId: "1" }, { JobId: "2" })).toEqual(["a", "2"]);
    expect(jobNames({ JobName: "a", JobId: "0123456789" }, { JobName: "a", JobId: "2" })).toEqual([
      "a (01234567)",
      "a (2)",
    ]);
    expect(compareJobsPath("pii", "1")).toBe("/jobs/compare?kind=pii&one=1&other=");
  });
});

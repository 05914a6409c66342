import { describe, expect, it } from "vitest";
import { formatWords, type NamedFile, readingOf } from "../../src/s3/reading";

const named = (...names: string[]): NamedFile[] => names.map((name) => ({ name, size: 10 }));

describe("what jobs read of files", () => {
  it("is decided by the suffixes of the service's formats, in any case", () => {
    const reading = readingOf(named("a.txt", "b/REPORT.PDF", "c.pdf", "d.docx"));
    expect(formatWords(reading)).toBe("PDF (2), plain text (1), Word (1)");
    expect(reading).toMatchObject({ count: 4, leftOut: [], documents: true, tables: false });
  });

  it("names the files that are not read, by reason", () => {
    const files = [...named("old.doc", "old.XLS", "all.zip"), { name: "scan.pdf", size: 60_000_000 }];
    const [old, other, large] = readingOf(files.map((file) => ({ ...file, text: false }))).leftOut;
    expect(old).toMatchObject({ names: ["old.doc", "old.XLS"] });
    expect(old?.reason).toContain("save them as .docx");
    expect(other).toMatchObject({ reason: "not in a format that is read", names: ["all.zip"] });
    expect(large).toMatchObject({ reason: "larger than 50 MiB", names: ["scan.pdf"] });
  });

  it("takes text without a known suffix for text, once its content is known", () => {
    const [readme] = named("in.a/README");
    expect(readingOf([{ ...(readme as NamedFile), text: true }])).toMatchObject({ count: 1, leftOut: [] });
    expect(readingOf(named("README")).leftOut[0]?.reason).toContain("read if they are text");
  });

  it("needs no tag for what is text, even if it has a table's form", () => {
    expect(readingOf(named("a.txt", "b.md", "c.csv", "d.jsonl"))).toMatchObject({ documents: false, tables: true });
    expect(readingOf(named("a.html"))).toMatchObject({ documents: true, tables: false });
  });
});

import { describe, expect, it } from "vitest";
import { errorRecordOf, filesOf, reportOf, shownAs, summaryOf } from "../../src/results/redaction/outcome";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const object = (key: string) => ({ bucket: "b", key, size: 1 });

describe("the objects of a job that redacts", () => {
  it("belong to the files of its input", () => {
    const names = ["a/x.pdf.out", "a/x.pdf.redacted.pdf", "a/x.pdf.report.jsonl", "y.docx.redacted.docx", "z.txt.out"];
    const files = filesOf(
      names.map((name) => object(`out/${name}`)),
      "out/",
    );
    expect(files.map(({ name }) => name)).toEqual(["a/x.pdf", "y.docx", "z.txt"]);
    expect(files[0]?.text?.key).toBe("out/a/x.pdf.out");
    expect(files[0]?.copy?.key).toBe("out/a/x.pdf.redacted.pdf");
    expect(files[0]?.reportObject?.key).toBe("out/a/x.pdf.report.jsonl");
    expect(files[1]?.text).toBeUndefined();
  });

  it("are error records only if they are one whole record", () => {
    const record = '{"ErrorCode":"REDACTION_INCOMPLETE","ErrorMessage":"1 of the strings"}\n';
    expect(errorRecordOf(bytes(record))).toEqual({ code: "REDACTION_INCOMPLETE", message: "1 of the strings" });
    for (const text of ["**** wrote", '{"ErrorCode": 5}', "null", `${record}${record}`]) {
      expect(errorRecordOf(bytes(text))).toBeUndefined();
    }
  });

  it("are shown as text or pages by their names", () => {
    expect(["a.pdf.out", "a.redacted.PDF", "a.docx"].map(shownAs)).toEqual(["text", "pdf", undefined]);
  });
});

it("a report adds up what was replaced in the documents of a file, and keeps their errors", () => {
  const lines = [
    '{"Replaced": {"NAME": 3, "EMAIL": 1}, "Copy": "redacted.pdf"}',
    '{"Replaced": {"NAME": 2, "AGE": "x"}, "CopyErrorCode": "PAGE_LIMIT_EXCEEDED", "CopyErrorMessage": "too long"}',
    '{"ErrorCode": "REDACTION_INCOMPLETE", "ErrorMessage": "1 left"}',
    "null",
    "{broken",
  ];
  const report = reportOf(bytes(lines.join("\n")));
  expect([...report.replaced]).toEqual([
    ["NAME", 5],
    ["EMAIL", 1],
  ]);
  expect(report.errors).toEqual([{ code: "REDACTION_INCOMPLETE", message: "1 left" }]);
  expect(report.copyErrors).toEqual([{ code: "PAGE_LIMIT_EXCEEDED", message: "too long" }]);
});

it("a summary counts files, and documents that did not pass the check", () => {
  const error = { code: "REDACTION_INCOMPLETE", message: "" };
  const mailbox = { name: "m", report: { replaced: new Map(), errors: [error, error], copyErrors: [] } };
  const files = [{ name: "a" }, { name: "b", error }, { name: "c", error: { ...error, code: "X" } }, mailbox];
  expect(summaryOf(files)).toEqual({ redacted: 2, failed: 2, unchecked: 3 });
});

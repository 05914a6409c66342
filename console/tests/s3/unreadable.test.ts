import { expect, test } from "vitest";
import { unreadableFiles } from "../../src/s3/unreadable";

test("files that no job can read are listed with their types", () => {
  const names = [
    "a.txt",
    "REPORT.PDF",
    "letter.docx",
    "numbers.xlsx",
    "photo.jpeg",
    "all.zip",
    "no-ending",
    "x.csv",
    "pdf",
  ];
  expect(unreadableFiles(names)).toEqual([
    "REPORT.PDF (PDF)",
    "letter.docx (Word)",
    "numbers.xlsx (spreadsheet)",
    "photo.jpeg (picture)",
    "all.zip (archive)",
  ]);
});

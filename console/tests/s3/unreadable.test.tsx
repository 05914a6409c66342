import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { NewBucketModal } from "../../src/create/NewBucketModal";
import { UploadModal } from "../../src/s3/objects/UploadModal";
import { unreadableFiles } from "../../src/s3/unreadable";
import { Frame, signedIn } from "../signedIn";

afterEach(cleanup);

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

const FILES = ["letter.txt", "scan.pdf", "REPORT.DOCX"].map((name) => new File(["?"], name));
const ignore = (): void => undefined;

test("an upload names the files that no job can read before it starts", async () => {
  await signedIn();
  render(<UploadModal bucket="papers" prefix="in/" onDismiss={ignore} />, { wrapper: Frame });
  fireEvent.change(screen.getByLabelText("Files to upload"), { target: { files: FILES } });
  expect(screen.getByText("Jobs cannot read 2 of these files")).toBeDefined();
  expect(screen.getByText("in/scan.pdf (PDF)")).toBeDefined();
  expect(screen.getByText("in/REPORT.DOCX (Word)")).toBeDefined();
  expect(screen.queryByText(/^in\/letter.txt \(/)).toBeNull();
});

test("a new bucket with documents names them, too", async () => {
  await signedIn();
  const { baseElement } = render(<NewBucketModal onMade={ignore} onDismiss={ignore} />, { wrapper: Frame });
  fireEvent.click(screen.getByRole("radio", { name: /My documents/ }));
  const input = baseElement.querySelector("input[type=file]");
  if (input === null) throw new Error("no files can be chosen");
  fireEvent.change(input, { target: { files: FILES } });
  expect(screen.getByText("scan.pdf (PDF)")).toBeDefined();
  expect(screen.getByText("REPORT.DOCX (Word)")).toBeDefined();
});

import { describe, expect, it } from "vitest";
import { analysisType } from "../../src/create/analysisTypes";
import { afterLooking, columnOf, readingText, readsDocuments, withColumn } from "../../src/create/documents";
import { type Draft, EMPTY_DRAFT } from "../../src/create/draft";
import { uploadDocuments } from "../../src/create/newBucket";
import { jobTagErrors } from "../../src/create/parts/tags";
import { validateDraft } from "../../src/create/validate";
import { readingOf } from "../../src/s3/reading";

const ENTITIES = analysisType("entities");
if (ENTITIES === undefined) throw new Error("there are no jobs for entities");

const draft: Draft = { ...EMPTY_DRAFT, input: "s3://papers/in/", tags: [{ Key: "team", Value: "a" }] };
const reading = (...names: string[]) => readingOf(names.map((name) => ({ name, size: 1 })));
const looked = (before: Draft, ...names: string[]): Draft => ({
  ...before,
  ...afterLooking(before, reading(...names)),
});

describe("an input with other files than text", () => {
  it("sets the tag and the format, and keeps other tags", () => {
    const after = looked(draft, "a.txt", "b.pdf");
    expect(after.tags).toEqual([...draft.tags, { Key: "reading-room:documents", Value: "any" }]);
    expect(after.inputFormat).toBe("ONE_DOC_PER_FILE");
  });

  it("is decided once, so that the user has the last word", () => {
    const after = looked(draft, "b.pdf");
    const removed = { ...after, ...readingText(after) };
    expect(readsDocuments(looked(removed, "b.pdf").tags)).toBe(false);
    expect(readsDocuments(looked({ ...removed, input: "s3://papers/other/" }, "c.pdf").tags)).toBe(true);
  });

  it("changes nothing if all files are text", () => {
    const { tags, inputFormat } = looked(draft, "a.txt", "b.csv");
    expect({ tags, inputFormat }).toEqual({ tags: draft.tags, inputFormat: "ONE_DOC_PER_LINE" });
  });

  it("has to be read file by file", () => {
    const after = { ...looked(draft, "b.pdf"), inputFormat: "ONE_DOC_PER_LINE" as const };
    expect(validateDraft(after, ENTITIES).inputFormat).toContain("one document per file");
  });
});

describe("the column of tables", () => {
  it("is a tag, and goes with the tag for documents", () => {
    const after = { ...looked(draft, "a.xlsx"), ...withColumn(looked(draft, "a.xlsx"), "review") };
    expect(columnOf(after.tags)).toBe("review");
    expect(columnOf(readingText(after).tags ?? after.tags)).toBe("");
    expect(withColumn(after, "").tags).toEqual(looked(draft, "a.xlsx").tags);
  });

  it("is refused without a name, and without the tag for documents", () => {
    const documents = { Key: "reading-room:documents", Value: "any" };
    expect(jobTagErrors([documents, { Key: "reading-room:column", Value: " " }])[1]?.value).toContain(
      "name of a column",
    );
    expect(jobTagErrors([{ Key: "reading-room:column", Value: "a" }])[0]?.value).toContain(
      "reading-room:documents=any",
    );
    expect(jobTagErrors([{ ...documents, Value: "all" }])[0]?.value).toBe("Enter any, or remove the tag.");
  });
});

describe("the upload of a new bucket's documents", () => {
  const documents = ["a", "b", "c", "d", "e"].map((name) => ({ name, body: name }));

  it("goes on when one of them fails", async () => {
    const sent: string[] = [];
    const progress: number[] = [];
    const failed = await uploadDocuments(
      documents,
      async ({ name }) => {
        if (name === "b") throw new Error("the link is down");
        sent.push(name);
      },
      (done) => progress.push(done),
      new AbortController().signal,
    );
    expect(sent.sort()).toEqual(["a", "c", "d", "e"]);
    expect(failed.map(({ document }) => document.name)).toEqual(["b"]);
    expect(progress).toEqual([1, 2, 3, 4, 5]);
  });

  it("ends when the dialog is closed", async () => {
    const controller = new AbortController();
    const sent: string[] = [];
    const uploading = uploadDocuments(
      documents,
      async ({ name }) => {
        sent.push(name);
        controller.abort();
      },
      () => undefined,
      controller.signal,
    );
    await expect(uploading).rejects.toThrow();
    expect(sent.length).toBeLessThan(documents.length);
  });
});

// @vitest-environment node
import { expect, test } from "vitest";
import { candidates, type InputFile } from "../../src/results/document/inputFiles";
import { inOrder, readTexts, within } from "../../src/results/document/inputTexts";

const file = (key: string, size = 1): InputFile => ({ bucket: "b", key, size });
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test("objects are in the order in which S3 lists them", () => {
  const keys = ["a/x", "a/\u{1f600}", "a/\uffe0", "b"];
  const files = new Map(keys.map((key) => [key, [file(key)]]));
  expect(inOrder(files).map(({ key }) => key)).toEqual(["a/x", "a/\uffe0", "a/\u{1f600}", "b"]);
});

test("no more is read than the limits allow", () => {
  const files = [file("a", 4), file("b", 4), file("c", 4)];
  expect(within(files, { bytes: 12, files: 9 })).toHaveLength(3);
  expect(within(files, { bytes: 11, files: 9 })).toHaveLength(2);
  expect(within(files, { bytes: 99, files: 1 })).toHaveLength(1);
});

test("texts are passed on in order, and one that cannot be read is reported and skipped", async () => {
  const files = Array.from({ length: 10 }, (_, at) => file(`${at}`));
  const taken: string[] = [];
  const failures = await readTexts(
    files,
    async ({ key }) => {
      if (key === "3") throw new Error("denied");
      return encode(key);
    },
    async (_, bytes, passed) => {
      taken.push(bytes === undefined ? "-" : new TextDecoder().decode(bytes));
      expect(passed).toBe(taken.length);
    },
    new AbortController().signal,
  );
  expect(taken.join("")).toBe("012-456789");
  expect(failures.map((failure) => failure.file.key)).toEqual(["3"]);
});

test("reading ends when nothing waits for it any more", async () => {
  const controller = new AbortController();
  let taken = 0;
  await readTexts(
    Array.from({ length: 10 }, (_, at) => file(`${at}`)),
    async ({ key }) => encode(key),
    async () => {
      taken += 1;
      if (taken === 2) controller.abort();
    },
    controller.signal,
  );
  expect(taken).toBe(2);
});

test("a result that also names the folder means one object", () => {
  const files = new Map([["note.txt", [file("in/a/note.txt"), file("in/b/note.txt")]]]);
  expect(candidates(files, "b/note.txt", 0).map(({ key }) => key)).toEqual(["in/b/note.txt"]);
  expect(candidates(files, "note.txt", 1).map(({ key }) => key)).toEqual(["in/b/note.txt", "in/a/note.txt"]);
});

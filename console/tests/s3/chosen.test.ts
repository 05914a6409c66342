import { describe, expect, it } from "vitest";
import { filesOfEntries, filesOfInput, withContent } from "../../src/s3/transfer/chosen";

type Tree = { readonly [name: string]: Tree | File | Error };

/** Entries as browsers give them: a folder's readers give a few at a time. */
function entry(path: string, content: Tree | File | Error): FileSystemEntry {
  const common = { fullPath: path, name: path.split("/").at(-1) ?? "" };
  if (content instanceof File || content instanceof Error) {
    const file = (resolve: (file: File) => void, reject: (error: Error) => void): void =>
      content instanceof File ? resolve(content) : reject(content);
    return { ...common, isDirectory: false, isFile: true, file } as unknown as FileSystemEntry;
  }
  const createReader = () => {
    const left = Object.entries(content).map(([name, inner]) => entry(`${path}/${name}`, inner));
    return { readEntries: (resolve: (some: FileSystemEntry[]) => void): void => resolve(left.splice(0, 2)) };
  };
  return { ...common, isDirectory: true, isFile: false, createReader } as unknown as FileSystemEntry;
}

const file = (name: string, content = "text"): File => new File([content], name);

describe("dropped folders", () => {
  it("give all files in them, with their paths, in order", async () => {
    const letters = { "b.txt": file("b.txt"), "1843": { "a.txt": file("a.txt") }, "c.txt": file("c.txt"), empty: {} };
    const counts: number[] = [];
    const { files, closed } = await filesOfEntries(
      [entry("/letters", letters), entry("/x.pdf", file("x.pdf"))],
      (count) => counts.push(count),
    );
    expect(files.map(({ path }) => path)).toEqual(["letters/1843/a.txt", "letters/b.txt", "letters/c.txt", "x.pdf"]);
    expect(closed).toEqual([]);
    expect(counts.at(-1)).toBe(4);
  });

  it("lose only the file that cannot be opened", async () => {
    const folder = { "a.txt": file("a.txt"), "locked.txt": new Error("denied") };
    const { files, closed } = await filesOfEntries([entry("/in", folder)], () => undefined);
    expect(files.map(({ path }) => path)).toEqual(["in/a.txt"]);
    expect(closed).toEqual(["in/locked.txt"]);
  });
});

it("the content of a file without a known suffix says whether it is text", async () => {
  const found = filesOfInput([file("README"), file("data.bin", "a\0b"), file("a.pdf", "%PDF")]);
  const { files } = await withContent(found);
  expect(files.map(({ path, text }) => [path, text])).toEqual([
    ["README", true],
    ["data.bin", false],
    ["a.pdf", undefined],
  ]);
});

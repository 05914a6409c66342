// @vitest-environment node
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MemberCollector } from "../../src/results/archive/readArchive";
import { parseS3Uri } from "../../src/results/archive/source";
import { archiveOf, inParts, tarFile } from "./archives";

function read(bytes: Uint8Array, part = 1000, most?: number): { name: string; text: string }[] {
  const collector = new MemberCollector(most);
  for (const each of inParts(bytes, part)) collector.push(each);
  return collector.finish().map(({ name, text }) => ({ name, text: text() }));
}

describe("reading an archive", () => {
  const files = [
    { name: "a.txt.out", content: "eins\n" },
    { name: "b.txt.out", content: "zwei ä 😀\n".repeat(500) },
    { name: "empty.out", content: "" },
  ];

  it.each([1, 7, 512, 100_000])("reads gzip member after member, in parts of %i bytes", (part) => {
    expect(read(archiveOf(...files), part)).toEqual(files.map(({ name, content }) => ({ name, text: content })));
  });

  it("reads an archive that is one gzip stream, as other tools write it", () => {
    const tar = Buffer.concat([...files.map(tarFile), Buffer.alloc(1024)]);
    expect(read(gzipSync(tar)).map(({ name }) => name)).toEqual(["a.txt.out", "b.txt.out", "empty.out"]);
  });

  it("reads long names from GNU's and from pax's own entries", () => {
    const long = `${"ordner/".repeat(30)}x.out`;
    const pax = `${long.length + 10} path=${long}\n`;
    const gnu = archiveOf({ name: "././@LongLink", content: `${long}\0`, type: "L" }, { name: "cut", content: "1" });
    const posix = archiveOf({ name: "head", content: pax, type: "x" }, { name: "cut", content: "2" });
    expect(read(gnu)).toEqual([{ name: long, text: "1" }]);
    expect(read(posix)).toEqual([{ name: long, text: "2" }]);
  });

  it("keeps files of the same name apart, and treats a path in a name as text", () => {
    const bytes = archiveOf({ name: "../../etc/passwd", content: "1" }, { name: "../../etc/passwd", content: "2" });
    expect(read(bytes)).toEqual([
      { name: "../../etc/passwd", text: "1" },
      { name: "../../etc/passwd", text: "2" },
    ]);
  });

  it("skips links and devices", () => {
    const bytes = archiveOf({ name: "link", content: "", type: "2" }, { name: "output", content: "x" });
    expect(read(bytes).map(({ name }) => name)).toEqual(["output"]);
  });

  it.each([
    ["no bytes at all", Buffer.alloc(0), /empty/],
    ["not gzip", Buffer.from("<html>AccessDenied</html>"), /not gzip/],
    ["gzip without tar", gzipSync("x".repeat(2000)), /not tar/],
    ["a tar without a file", gzipSync(Buffer.alloc(1024)), /no file/],
    ["a size that is not a number", gzipSync(withSize("zzzzzzzzzzz")), /not a number|damaged/],
  ])("says what is wrong with %s", (_, bytes, message) => {
    expect(() => read(bytes)).toThrow(message);
  });

  it("says that an archive is truncated, wherever it was cut", () => {
    const bytes = archiveOf(...files);
    for (let length = 1; length < bytes.length - 40; length += 13) {
      expect(() => read(bytes.subarray(0, length)), `cut at ${length}`).toThrow(/truncated|damaged|no file|not gzip/);
    }
  });

  it("notices a changed byte by the CRC", () => {
    // Uncompressed content can be changed without breaking the compression or the tar.
    const tar = Buffer.concat([tarFile({ name: "output", content: "untouched" }), Buffer.alloc(1024)]);
    const bytes = gzipSync(tar, { level: 0 });
    bytes[bytes.indexOf("untouched")] = "U".charCodeAt(0);
    expect(() => read(bytes)).toThrow(/check/);
  });

  it("stops at a limit, however well a bomb is compressed", () => {
    const bomb = archiveOf({ name: "output", content: Buffer.alloc(30_000_000) });
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => read(bomb, 1000, 1_000_000)).toThrow(/more than 1,000,000 bytes/);
  });

  it("does not read more of a file than its header states", () => {
    const huge = tarFile({ name: "output", content: "" });
    huge.write("77777777777\0", 124);
    fixSum(huge);
    expect(() => read(gzipSync(huge))).toThrow(/truncated/);
  });
});

describe("addresses of objects", () => {
  it("splits bucket and key, and refuses the rest", () => {
    expect(parseS3Uri("s3://b/x/y.gz")).toEqual({ bucket: "b", key: "x/y.gz" });
    expect(parseS3Uri("s3://b")).toEqual({ bucket: "b", key: "" });
    expect(parseS3Uri("https://b/x")).toBeUndefined();
    expect(parseS3Uri(undefined)).toBeUndefined();
  });
});

function withSize(size: string): Buffer {
  const header = tarFile({ name: "output", content: "" });
  header.write(size, 124);
  fixSum(header);
  return header;
}

function fixSum(header: Buffer): void {
  header.write(" ".repeat(8), 148);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

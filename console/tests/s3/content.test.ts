import { describe, expect, it } from "vitest";
import { CORS_EXAMPLE, readCors } from "../../src/s3/cors";
import { previewOf } from "../../src/s3/preview";
import { filesOfInput } from "../../src/s3/transfer/chosen";
import { keysFor, partBytes } from "../../src/s3/transfer/transfer";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("previewOf", () => {
  it("shows markup as source", () => {
    const text = "<script>alert(1)</script>";
    expect(previewOf(bytes(text), text.length)).toEqual({ kind: "text", text, whole: true });
  });

  it("leaves out a character that is cut", () => {
    expect(previewOf(bytes("aé").slice(0, 2), 10)).toEqual({ kind: "text", text: "a", whole: false });
  });

  it("does not accept a cut character at the object's end as text", () => {
    expect(previewOf(bytes("aé").slice(0, 2), 2)).toEqual({ kind: "binary" });
  });

  it("shows no bytes that are not text", () => {
    expect(previewOf(new Uint8Array([0x1f, 0x8b, 0xff]), 3)).toEqual({ kind: "binary" });
    expect(previewOf(bytes("a\0b"), 3)).toEqual({ kind: "binary" });
  });
});

describe("readCors", () => {
  it("accepts its own example", () => {
    expect(readCors(CORS_EXAMPLE)).toMatchObject({ rules: [{ AllowedMethods: ["GET", "HEAD"] }] });
  });

  it.each([
    ["{", "not valid JSON"],
    ["{}", "array"],
    ["[3]", "Rule 1: a rule is a JSON object"],
    ['[{"AllowedMethods": ["GET"]}]', "AllowedOrigins is missing"],
    ['[{"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}]', "PATCH is not a method"],
    ['[{"AllowedOrigins": "*", "AllowedMethods": ["GET"]}]', "AllowedOrigins is an array"],
    ['[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "MaxAge": 1}]', "no member MaxAge"],
    ['[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "MaxAgeSeconds": "1"}]', "whole number"],
  ])("refuses %s", (text, problem) => {
    expect(readCors(text)).toMatchObject({ problem: expect.stringContaining(problem) });
  });
});

describe("uploads", () => {
  it("keep the paths of a folder's files", () => {
    const plain = new File(["x"], "a.txt");
    const inFolder = new File(["x"], "b.txt");
    Object.defineProperty(inFolder, "webkitRelativePath", { value: "docs/b.txt" });
    expect(keysFor(filesOfInput([plain, inFolder]).files, "in/").map((each) => each.key)).toEqual([
      "in/a.txt",
      "in/docs/b.txt",
    ]);
  });

  it("have at most 10,000 parts", () => {
    expect(partBytes(1)).toBe(8 * 1024 * 1024);
    const size = 500 * 1024 ** 3;
    expect(Math.ceil(size / partBytes(size))).toBeLessThanOrEqual(10_000);
  });
});

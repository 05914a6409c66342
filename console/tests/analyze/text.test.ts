import { describe, expect, it } from "vitest";
import { excerpt, linesOf, utf8Bytes } from "../../src/analyze/text";

describe("a text", () => {
  it("is counted in bytes of UTF-8, as the API counts it", () => {
    expect(utf8Bytes("")).toBe(0);
    expect(utf8Bytes("abc")).toBe(3);
    expect(utf8Bytes("große")).toBe(6);
    expect(utf8Bytes("日本")).toBe(6);
    expect(utf8Bytes("😀")).toBe(4);
  });

  it("is cut between code points", () => {
    expect(excerpt("short", 10)).toBe("short");
    expect(excerpt("😀😀😀", 2)).toBe("😀😀…");
    expect(excerpt("😀😀", 2)).toBe("😀😀");
    expect(excerpt("x".repeat(1000), 5)).toBe("xxxxx…");
  });
});

describe("the texts of a batch", () => {
  it("are the lines that are not blank, whatever ends them", () => {
    expect(linesOf("one\r\ntwo\n\n  \nthree\rfour\n")).toEqual(["one", "two", "three", "four"]);
    expect(linesOf(" \n")).toEqual([]);
  });

  it("keep the spaces around them", () => {
    expect(linesOf("  a ")).toEqual(["  a "]);
  });
});

import { describe, expect, it } from "vitest";
import {
  bucketHref,
  bucketProblem,
  decodeListed,
  fileName,
  folderProblem,
  foldersOf,
  parentOf,
  shownKey,
  shownName,
  unreachable,
} from "../../src/s3/keys";

describe("hostile keys", () => {
  it("show invisible characters", () => {
    expect(shownKey("a\u202etxt.exe")).toBe("a\\u{202e}txt.exe");
    expect(shownKey("a\u0000\n\u200b")).toBe("a\\u{0}\\u{a}\\u{200b}");
    expect(shownKey("مرحبا <b> 日本")).toBe("مرحبا <b> 日本");
  });

  it("become file names without paths", () => {
    expect(fileName("a/b/../../etc/passwd")).toBe("passwd");
    expect(fileName("a/..")).toBe("_");
    expect(fileName("x/.bashrc")).toBe("_bashrc");
    expect(fileName('a\u202e"gpj.exe')).toBe("a_gpj.exe");
    expect(fileName("C:\\x\\y.txt")).toBe("C__x_y.txt");
    expect(fileName("//")).toBe("object");
    expect(fileName("a".repeat(900))).toHaveLength(200);
  });

  it("that browsers would change are not requested", () => {
    expect(unreachable("a/../b")).toBeDefined();
    expect(unreachable("..")).toBeDefined();
    expect(unreachable("./a")).toBeDefined();
    expect(unreachable("a/...")).toBeUndefined();
    expect(unreachable("a//b..c/%2e%2e")).toBeUndefined();
  });
});

describe("folders", () => {
  it("without a name are folders, too", () => {
    expect(foldersOf("a//b/")).toEqual([
      { name: "a", prefix: "a/" },
      { name: "(no name)", prefix: "a//" },
      { name: "b", prefix: "a//b/" },
    ]);
    expect(foldersOf("/")).toEqual([{ name: "(no name)", prefix: "/" }]);
    expect(foldersOf("")).toEqual([]);
  });

  it("have a parent", () => {
    expect(parentOf("a/b/c.txt")).toBe("a/b/");
    expect(parentOf("a/b/")).toBe("a/");
    expect(parentOf("a//")).toBe("a/");
    expect(parentOf("c.txt")).toBe("");
  });

  it("have entries that are named without the folder's name", () => {
    expect(shownName("a/b.txt", "a/")).toBe("b.txt");
    expect(shownName("a//", "a/")).toBe("(no name)/");
    expect(shownName("a/", "a/")).toBe("(the folder itself)");
  });

  it("get names that can be requested", () => {
    expect(folderProblem("reports")).toBeUndefined();
    expect(folderProblem("a/b")).toBeDefined();
    expect(folderProblem("..")).toBeDefined();
    expect(folderProblem("é".repeat(600))).toContain("1,024");
  });
});

describe("addresses", () => {
  it("can contain any key", () => {
    const key = "a&b=c#d?e+f g/../\u202e";
    const url = new URL(bucketHref("papers", { key }), "http://console");
    expect(url.pathname).toBe("/s3/papers");
    expect(url.searchParams.get("key")).toBe(key);
  });

  it("of a bucket's root are short", () => {
    expect(bucketHref("papers", { prefix: "" })).toBe("/s3/papers");
  });

  it("in listings are decoded", () => {
    expect(decodeListed("a+b%2Bc%01%2F")).toBe("a b+c\u0001/");
    expect(decodeListed("100%")).toBe("100%");
    expect(decodeListed(undefined)).toBe("");
  });
});

describe("bucketProblem", () => {
  it.each(["papers", "my.papers-1", "abc"])("accepts %s", (name) => {
    expect(bucketProblem(name)).toBeUndefined();
  });

  it.each(["ab", "Papers", "a_b", "-abc", "abc.", "a..b", "10.0.0.1", "a".repeat(64)])("refuses %s", (name) => {
    expect(bucketProblem(name)).toBeDefined();
  });
});

import { describe, expect, it } from "vitest";
import { blockProblem, freeBlocks, isWithin, parseAddress, parseCidr } from "../../src/vpc/cidr";

describe("networks", () => {
  it("are accepted only in their own form", () => {
    expect(parseCidr("10.0.0.0/16")).toEqual({ base: 10 * 2 ** 24, bits: 16 });
    for (const text of ["10.0.0.1/16", "10.0.0/16", "10.0.0.0", "10.0.0.0/33", "10.00.0.0/8", "::/0", "10.0.0.0/16/2"])
      expect(parseCidr(text), text).toBeUndefined();
    expect(parseAddress("256.1.1.1")).toBeUndefined();
    expect(parseCidr("255.255.255.255/32")?.base).toBe(2 ** 32 - 1);
  });

  it("are divided into blocks that overlap none of the taken ones", () => {
    expect(freeBlocks("10.0.0.0/16", 24, 2, ["10.0.0.0/24"])).toEqual(["10.0.1.0/24", "10.0.2.0/24"]);
    expect(freeBlocks("10.0.0.0/16", 24, 1, ["10.0.0.0/17"])).toEqual(["10.0.128.0/24"]);
    expect(freeBlocks("10.0.0.0/28", 28, 2)).toEqual(["10.0.0.0/28"]);
    expect(freeBlocks("10.0.0.0/28", 24, 1)).toEqual([]);
  });

  it("have problems described in a sentence", () => {
    expect(blockProblem("10.0.0.0/16")).toBeUndefined();
    expect(blockProblem("10.0.0.0/8")).toContain("/16");
    expect(blockProblem("10.1.0.0/24", ["10.0.0.0/16"])).toContain("10.0.0.0/16");
    expect(blockProblem("10.0.9.0/24", ["10.0.0.0/16"])).toBeUndefined();
  });

  it("contain addresses", () => {
    expect(isWithin("10.0.1.7", ["10.0.0.0/16"])).toBe(true);
    expect(isWithin("10.1.1.7", ["10.0.0.0/16", ""])).toBe(false);
  });
});

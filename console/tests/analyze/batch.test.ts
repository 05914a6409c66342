import { describe, expect, it } from "vitest";
import { checkBatch, rowsOf } from "../../src/analyze/batch";

describe("the texts of a batch", () => {
  it("may be up to 25, of 5,000 bytes each", () => {
    expect(checkBatch(Array(25).fill("x".repeat(5_000)))).toEqual({ count: "25 texts of 25." });
  });

  it("are refused if there is one too many", () => {
    expect(checkBatch(Array(26).fill("x")).problem).toMatch(/at most 25 texts/);
  });

  it("are refused with the number of the one that is too long in bytes", () => {
    expect(checkBatch(["short", "ä".repeat(2_501)]).problem).toBe(
      "Text 2 has 5,002 bytes of UTF-8, but a text of a batch has at most 5,000.",
    );
  });
});

describe("the answer of a batch", () => {
  it("is matched with its texts by index, both results and errors", () => {
    const rows = rowsOf(["a", "b", "c"], {
      ResultList: [
        { Index: 2, Sentiment: "NEUTRAL" },
        { Index: 0, Sentiment: "POSITIVE" },
      ],
      ErrorList: [{ Index: 1, ErrorCode: "TextSizeLimitExceededException", ErrorMessage: "too long" }],
    });
    expect(rows.map(({ summary }) => summary)).toEqual(["POSITIVE", "", "NEUTRAL"]);
    expect(rows[1]?.error).toEqual({ code: "TextSizeLimitExceededException", message: "too long" });
    expect(rows[0]?.error).toBeUndefined();
  });

  it("leaves a text that is in neither list without a result", () => {
    const [row] = rowsOf(["a"], { ResultList: [], ErrorList: [] });
    expect(row).toMatchObject({ answer: undefined, error: undefined });
  });
});

import { describe, expect, it } from "vitest";
import { areValid, describedTags, tagChange, tagErrors } from "../../src/components/tags/tags";

describe("tags", () => {
  const present = [
    { Key: "same", Value: "1" },
    { Key: "other", Value: "2" },
    { Key: "old", Value: "" },
  ];

  it("are changed only where they differ", () => {
    const wanted = [
      { Key: "same", Value: "1" },
      { Key: "other", Value: "9" },
      { Key: "new", Value: "" },
    ];
    expect(tagChange(present, wanted)).toEqual({
      set: [
        { Key: "other", Value: "9" },
        { Key: "new", Value: "" },
      ],
      removed: ["old"],
    });
    expect(tagChange(present, present)).toEqual({ set: [], removed: [] });
  });

  it("have unique keys, in IAM without regard to case", () => {
    const twins = [
      { Key: "team", Value: "" },
      { Key: "Team", Value: "" },
    ];
    expect(tagErrors(twins, true).map(({ key }) => key)).toEqual([undefined, "This key already exists."]);
    expect(areValid(tagErrors(twins))).toBe(true);
  });

  it("of an answer have empty texts for missing values", () => {
    expect(describedTags([{ Key: "a" }])).toEqual([{ Key: "a", Value: "" }]);
    expect(describedTags(undefined)).toEqual([]);
  });
});

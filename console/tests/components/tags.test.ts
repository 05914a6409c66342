import { describe, expect, it } from "vitest";
import { areFaultless, describedTags, tagChange, tagErrors } from "../../src/components/tags/tags";

describe("tags", () => {
  const present = [
    { Key: "same", Value: "1" },
    { Key: "other", Value: "2" },
    { Key: "old", Value: "" },
  ];

  it("are changed by what differs alone", () => {
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

  it("have keys of their own, in IAM without regard to case", () => {
    const twins = [
      { Key: "team", Value: "" },
      { Key: "Team", Value: "" },
    ];
    expect(tagErrors(twins, true).map(({ key }) => key)).toEqual([undefined, "This key is there already."]);
    expect(areFaultless(tagErrors(twins))).toBe(true);
  });

  it("of an answer have empty texts where it has none", () => {
    expect(describedTags([{ Key: "a" }])).toEqual([{ Key: "a", Value: "" }]);
    expect(describedTags(undefined)).toEqual([]);
  });
});

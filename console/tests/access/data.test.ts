import { describe, expect, it } from "vitest";
import { documentText, identityHref, nameProblem, principalHref } from "../../src/access/data/names";
import { readAll } from "../../src/access/data/paging";
import { tagChange, tagProblem } from "../../src/access/data/tags";
import { bucketPolicy, comprehendTrust, dataAccessPolicy } from "../../src/access/data/templates";

describe("names", () => {
  it("lead to pages whatever is in them", () => {
    expect(identityHref("policies", "arn:aws:iam::1:policy/a/b")).toBe(
      "/access/policies/arn%3Aaws%3Aiam%3A%3A1%3Apolicy%2Fa%2Fb",
    );
  });

  it("of principals lead to users, groups and roles; of sessions to their role", () => {
    expect(principalHref("arn:aws:iam::000000000001:user/team/ann")).toBe("/access/users/ann");
    expect(principalHref("arn:aws:sts::000000000001:assumed-role/Nightly/job-1")).toBe("/access/roles/Nightly");
    expect(principalHref("arn:aws:iam::000000000001:root")).toBeUndefined();
    expect(principalHref("comprehend.amazonaws.com")).toBeUndefined();
  });

  it("are checked as IAM checks them", () => {
    expect(nameProblem("users", "ann_1+=,.@-")).toBeUndefined();
    expect(nameProblem("users", "ann smith")).toBeDefined();
    expect(nameProblem("users", "a".repeat(65))).toContain("64");
    expect(nameProblem("groups", "a".repeat(65))).toBeUndefined();
    expect(nameProblem("roles", "rôle")).toBeDefined();
  });
});

describe("documentText", () => {
  it("decodes and lays out what IAM answers", () => {
    expect(documentText("%7B%22a%22%3A%22%25%22%7D")).toBe('{\n  "a": "%"\n}');
  });

  it("shows what is no JSON as it came", () => {
    expect(documentText("%7Bnot")).toBe("{not");
    expect(documentText(undefined)).toBe("");
  });
});

describe("readAll", () => {
  it("reads to the end, page by page", async () => {
    const asked: (string | undefined)[] = [];
    const items = await readAll(
      async ({ Marker }) => {
        asked.push(Marker);
        return Marker === undefined
          ? { IsTruncated: true, Marker: "m", items: [1, 2] }
          : { IsTruncated: false, items: [3] };
      },
      (answer) => answer.items,
    );
    expect(items).toEqual([1, 2, 3]);
    expect(asked).toEqual([undefined, "m"]);
  });
});

describe("tags", () => {
  const present = [
    { Key: "team", Value: "a" },
    { Key: "old", Value: "" },
  ];

  it("are changed by what differs alone", () => {
    const wanted = [
      { Key: "team", Value: "a" },
      { Key: "new", Value: "1" },
    ];
    expect(tagChange(present, wanted)).toEqual({ set: [{ Key: "new", Value: "1" }], removed: ["old"] });
  });

  it("have keys of their own, in IAM without regard to case", () => {
    const twins = [
      { Key: "team", Value: "" },
      { Key: "Team", Value: "" },
    ];
    expect(tagProblem(twins, 1, true)).toBeDefined();
    expect(tagProblem(twins, 1, false)).toBeUndefined();
    expect(tagProblem(twins, 0, true)).toBeUndefined();
    expect(tagProblem([{ Key: "aws:x", Value: "" }], 0, false)).toBeDefined();
    expect(tagProblem([{ Key: "", Value: "" }], 0, false)).toBeDefined();
  });
});

describe("templates", () => {
  it("let only this account's jobs use the role", () => {
    const { Statement } = JSON.parse(comprehendTrust("111122223333"));
    expect(Statement[0].Principal).toEqual({ Service: "comprehend.amazonaws.com" });
    expect(Statement[0].Condition.StringEquals["aws:SourceAccount"]).toBe("111122223333");
  });

  it("give a job its buckets, and the nine actions only in a VPC", () => {
    const outside = JSON.parse(dataAccessPolicy("papers", "papers", false)).Statement;
    expect(outside.map((each: { Sid: string }) => each.Sid)).toEqual(["ListBuckets", "ReadDocuments", "WriteResults"]);
    expect(outside[0].Resource).toEqual(["arn:aws:s3:::papers"]);
    const inside = JSON.parse(dataAccessPolicy("papers", "results", true)).Statement;
    expect(inside[2].Resource).toBe("arn:aws:s3:::results/*");
    expect(inside[3].Action).toHaveLength(9);
  });

  it("open a bucket to its own account", () => {
    const { Statement } = JSON.parse(bucketPolicy("papers", "111122223333"));
    expect(Statement[0].Principal.AWS).toBe("arn:aws:iam::111122223333:root");
  });
});

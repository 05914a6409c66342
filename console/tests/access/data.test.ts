import { describe, expect, it } from "vitest";
import { documentText, identityHref, nameProblem, principalHref } from "../../src/access/data/names";
import { readAll } from "../../src/access/data/paging";
import { bucketPolicy, dataAccessPolicy } from "../../src/access/data/templates";
import { COMPREHEND_SERVICE, FLOW_LOGS_SERVICE, serviceTrust, trustsService } from "../../src/access/data/trust";

describe("names", () => {
  it("link to pages, whatever they contain", () => {
    expect(identityHref("policies", "arn:aws:iam::1:policy/a/b")).toBe(
      "/access/policies/arn%3Aaws%3Aiam%3A%3A1%3Apolicy%2Fa%2Fb",
    );
  });

  it("of principals link to users, groups and roles; those of sessions to their role", () => {
    expect(principalHref("arn:aws:iam::000000000001:user/team/ann")).toBe("/access/users/ann");
    expect(principalHref("arn:aws:iam::000000000001:role/a/b/name+1")).toBe("/access/roles/name%2B1");
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
  it("decodes and formats IAM's answer", () => {
    expect(documentText("%7B%22a%22%3A%22%25%22%7D")).toBe('{\n  "a": "%"\n}');
  });

  it("shows text that is not JSON as it is", () => {
    expect(documentText("%7Bnot")).toBe("{not");
    expect(documentText(undefined)).toBe("");
  });
});

describe("readAll", () => {
  it("reads to the end, page by page", async () => {
    const markers: (string | undefined)[] = [];
    const items = await readAll(
      async ({ Marker }) => {
        markers.push(Marker);
        return Marker === undefined
          ? { IsTruncated: true, Marker: "m", items: [1, 2] }
          : { IsTruncated: false, items: [3] };
      },
      (answer) => answer.items,
    );
    expect(items).toEqual([1, 2, 3]);
    expect(markers).toEqual([undefined, "m"]);
  });
});

describe("trust policies", () => {
  const trusts = (text: string | undefined) => trustsService(text, COMPREHEND_SERVICE);
  const policy = (statement: object) => encodeURIComponent(JSON.stringify({ Statement: statement }));

  it("allow the services that they name", () => {
    expect(trusts(encodeURIComponent(serviceTrust(COMPREHEND_SERVICE, "000000000001")))).toBe(true);
    expect(trusts(encodeURIComponent(serviceTrust(FLOW_LOGS_SERVICE, "000000000001")))).toBe(false);
    expect(trusts(policy({ Effect: "Allow", Principal: { Service: ["a", COMPREHEND_SERVICE] } }))).toBe(true);
    expect(trusts(policy({ Effect: "Deny", Principal: { Service: COMPREHEND_SERVICE } }))).toBe(false);
    expect(trusts(policy({ Effect: "Allow", Principal: "*" }))).toBe(false);
  });

  it("that cannot be parsed allow nobody", () => {
    for (const broken of [undefined, "", "%", "%E0%A4%A", "null", "%7B%22Statement%22%3Anull%7D"]) {
      expect(trusts(broken)).toBe(false);
    }
  });
});

describe("templates", () => {
  it("allow only this account's jobs to use the role", () => {
    const { Statement } = JSON.parse(serviceTrust(COMPREHEND_SERVICE, "111122223333"));
    expect(Statement[0].Principal).toEqual({ Service: "comprehend.amazonaws.com" });
    expect(Statement[0].Condition.StringEquals["aws:SourceAccount"]).toBe("111122223333");
  });

  it("give a job its buckets, and the nine actions only in a VPC", () => {
    const outside = JSON.parse(dataAccessPolicy("papers", "papers", false)).Statement;
    expect(outside.map((each: { Sid: string }) => each.Sid)).toEqual(["ReadInput", "ListInput", "WriteOutput"]);
    expect(outside[1].Resource).toEqual(["arn:aws:s3:::papers"]);
    const inside = JSON.parse(dataAccessPolicy("papers", "results", true)).Statement;
    expect(inside[2].Resource).toEqual(["arn:aws:s3:::results/*"]);
    expect(inside[3].Action).toHaveLength(9);
  });

  it("allow a bucket to its own account", () => {
    const { Statement } = JSON.parse(bucketPolicy("papers", "111122223333"));
    expect(Statement[0].Principal.AWS).toBe("arn:aws:iam::111122223333:root");
  });
});

import { describe, expect, it } from "vitest";
import { examplePolicy, policyProblem, policyProblems } from "../../src/models/policy";

const statement = (change: object): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: {
      Effect: "Allow",
      Principal: { AWS: "111122223333" },
      Action: "comprehend:ImportModel",
      Resource: "*",
      ...change,
    },
  });

describe("the policy of a model", () => {
  it("is valid as in the example", () => {
    expect(
      policyProblem(examplePolicy("arn:aws:comprehend:us-east-1:000000000001:document-classifier/x", "000000000001")),
    ).toBe(undefined);
  });

  it("may name the action by a pattern, in any case, among several", () => {
    expect(policyProblem(statement({ Action: ["comprehend:Import*", "COMPREHEND:IMPORTMODEL"] }))).toBeUndefined();
    expect(policyProblem(statement({ Action: "comprehend:*" }))).toBeUndefined();
  });

  it.each([
    ["", /is empty/],
    ["{", /not valid JSON/],
    ["[]", /JSON object/],
    ["{}", /Statement is missing/],
    ['{"Statement": []}', /Statement is missing/],
    [statement({ Effect: "allow" }), /Statement 1: Effect/],
    [statement({ Principal: undefined }), /Principal is missing/],
    [statement({ Action: "s3:GetObject" }), /s3:GetObject/],
    [statement({ Action: ["comprehend:ImportModel", "comprehend:Detect*"] }), /Detect/],
    [statement({ Action: undefined }), /Action is missing/],
    [statement({ NotAction: "x" }), /NotAction/],
    [statement({ Resource: undefined }), /Resource is missing/],
    [`${statement({})}${" ".repeat(20_000)}`, /at most 20000/],
    [statement({ Sid: "日本" }), /not allowed in a policy/],
  ])("is refused with the reason: %.40s", (text, reason) => {
    expect(policyProblem(text)).toMatch(reason);
  });

  it("takes a pattern's dots and brackets literally", () => {
    expect(policyProblem(statement({ Action: "comprehend.ImportModel" }))).toMatch(/does not apply/);
    expect(policyProblem(statement({ Action: "comprehend:ImportModel(" }))).toMatch(/does not apply/);
  });

  it("has each problem at its place", () => {
    const [missing] = policyProblems('{\n "Statement": ["x",\n  {"Effect": "Allow"}]\n}').slice(1);
    expect(missing).toEqual({
      message: "Statement 2: Principal is missing: it names who may import.",
      line: 3,
      column: 3,
    });
    expect(policyProblems(statement({ Sid: "日本" }))[0]?.column).toBe(statement({ Sid: "日本" }).indexOf("日") + 1);
  });
});

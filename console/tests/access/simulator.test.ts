import { describe, expect, it } from "vitest";
import {
  contextEntries,
  customRequest,
  excerpt,
  formProblem,
  placeText,
  principalRequest,
  rowsOf,
  type SimulatorForm,
} from "../../src/access/simulator/request";

const FORM: SimulatorForm = {
  source: "principal",
  principal: "arn:aws:iam::1:user/ann",
  policy: "{}",
  actions: "s3:GetObject, s3:PutObject\ns3:ListBucket",
  resources: "arn:aws:s3:::a/b c\n\narn:aws:s3:::a",
  context: [],
  resourcePolicy: "",
  caller: "",
};

describe("the simulated request", () => {
  it("has the actions and the resources, with spaces in ARNs kept", () => {
    expect(principalRequest(FORM)).toEqual({
      PolicySourceArn: "arn:aws:iam::1:user/ann",
      ActionNames: ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
      ResourceArns: ["arn:aws:s3:::a/b c", "arn:aws:s3:::a"],
    });
  });

  it("leaves out what is empty", () => {
    expect(customRequest({ ...FORM, resources: " \n", actions: "s3:GetObject" })).toEqual({
      PolicyInputList: ["{}"],
      ActionNames: ["s3:GetObject"],
    });
  });

  it("splits only values of lists", () => {
    const rows = [
      { key: "aws:SourceIp", type: "ip", value: " 10.0.0.1 " },
      { key: "comprehend:VpcSubnets", type: "stringList", value: "a, b" },
      { key: " ", type: "string", value: "nothing" },
      { key: "aws:UserAgent", type: "string", value: "a, b" },
    ] as const;
    expect(contextEntries(rows).map((entry) => entry.ContextKeyValues)).toEqual([["10.0.0.1"], ["a", "b"], ["a, b"]]);
  });

  it("says what is missing", () => {
    expect(formProblem(FORM)).toBeUndefined();
    expect(formProblem({ ...FORM, principal: "" })).toContain("whose");
    expect(formProblem({ ...FORM, actions: " " })).toContain("action");
    expect(formProblem({ ...FORM, actions: "GetObject" })).toContain("GetObject is not an action");
    expect(formProblem({ ...FORM, resources: "", resourcePolicy: "{}" })).toContain("resource");
  });
});

describe("the answer", () => {
  it("is one row for each action and resource", () => {
    const rows = rowsOf([
      {
        EvalActionName: "s3:GetObject",
        EvalDecision: "implicitDeny",
        ResourceSpecificResults: [
          { EvalResourceName: "a", EvalResourceDecision: "allowed", MatchedStatements: [{ SourcePolicyId: "p" }] },
          { EvalResourceName: "b", EvalResourceDecision: "explicitDeny", MissingContextValues: ["aws:SourceIp"] },
        ],
      },
      { EvalActionName: "s3:ListAllMyBuckets", EvalResourceName: "*", EvalDecision: "allowed" },
    ]);
    expect(rows.map((row) => [row.action, row.resource, row.decision])).toEqual([
      ["s3:GetObject", "a", "allowed"],
      ["s3:GetObject", "b", "explicitDeny"],
      ["s3:ListAllMyBuckets", "*", "allowed"],
    ]);
    expect(rows[1]?.missing).toEqual(["aws:SourceIp"]);
    expect(rows[2]?.boundary).toBeUndefined();
  });

  it("refers to the text of a statement", () => {
    const text = '{"Statement": [\n  {"Sid": "A"},\n  {"Sid": "B"}\n]}';
    const statement = { StartPosition: { Line: 2, Column: 16 }, EndPosition: { Line: 3, Column: 15 } };
    expect(excerpt(text, statement)).toBe('{"Sid": "B"}');
    expect(placeText(statement)).toBe("lines 2 to 3");
    expect(placeText({ StartPosition: { Line: 4 }, EndPosition: { Line: 4 } })).toBe("line 4");
    expect(excerpt(text, { SourcePolicyId: "p" })).toBeUndefined();
    expect(
      excerpt(text, { StartPosition: { Line: 9, Column: 1 }, EndPosition: { Line: 9, Column: 2 } }),
    ).toBeUndefined();
  });
});

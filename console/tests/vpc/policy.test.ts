import { describe, expect, it } from "vitest";
import { policyProblems } from "../../src/vpc/policy/check";
import { closedPolicy, OPEN_POLICY } from "../../src/vpc/policy/closed";

describe("endpoint policies", () => {
  it("of the console are valid", () => {
    expect(policyProblems(OPEN_POLICY)).toEqual([]);
    expect(policyProblems(closedPolicy("000000000001", ["library"], "us-east-1"))).toEqual([]);
  });

  it("that are closed name the account, each bucket twice, and the account's custom models", () => {
    const [statement, models] = JSON.parse(closedPolicy("000000000001", ["one", "two"], "us-east-1")).Statement;
    expect(statement.Condition).toEqual({ StringEquals: { "aws:PrincipalAccount": "000000000001" } });
    expect(statement.Resource).toEqual([
      "arn:aws:s3:::one",
      "arn:aws:s3:::one/*",
      "arn:aws:s3:::two",
      "arn:aws:s3:::two/*",
    ]);
    expect(models.Resource).toBe("arn:aws:s3:::reading-room-models-us-east-1/000000000001/*");
    expect(models.Action).toEqual(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]);
  });

  it("with a problem have a message", () => {
    const wrong: readonly (readonly [string, string])[] = [
      ["{}", "needs a Statement"],
      ['{"Statement":[{"Effect":"allow","Principal":"*","Action":"*","Resource":"*"}]}', "needs an Effect"],
      ['{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}', "needs a Principal"],
      ['{"Statement":{"Effect":"Allow","Principal":"*","Action":"GetObject","Resource":"*"}}', "service:Action"],
      ['{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","NotAction":"*","Resource":"*"}}', "has both"],
      ['{"Version":"2020-01-01","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}', "Version"],
      [`{"Id":"${"x".repeat(20_480)}"}`, "20480"],
    ];
    for (const [text, part] of wrong) {
      const messages = policyProblems(text).map(({ message }) => message);
      expect(messages.join(" "), text.slice(0, 80)).toContain(part);
    }
  });

  it("have the problems of a statement at its place", () => {
    const text =
      '{\n "Statement": [\n  {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"},\n  {}\n ]\n}';
    expect(policyProblems(text)[0]).toEqual({
      message: 'Statement 2 needs an Effect: "Allow" or "Deny".',
      line: 4,
      column: 3,
    });
  });

  it("that are not JSON objects are left to the editor, which says where they are broken", () => {
    for (const text of ["", "{", "[]"]) expect(policyProblems(text)).toEqual([]);
  });
});

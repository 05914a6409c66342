import { describe, expect, it } from "vitest";
import {
  countedCharacters,
  formatJson,
  isPolicyError,
  offsetAt,
  placeOf,
  positionAt,
  problemsOf,
  statementPosition,
  syntaxProblem,
} from "../../src/components/policy/problems";

const POLICY = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "One", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/{b}"},
    {"Sid": "Two", "Effect": "Allow", "Resource": "papers"}
  ]
}`;

const refused = (name: string, message: string): Error => Object.assign(new Error(message), { name });

describe("positions in a text", () => {
  it("count lines and columns from one, in both directions", () => {
    const text = "ab\ncd\n";
    expect(positionAt(text, 0)).toEqual({ line: 1, column: 1 });
    expect(positionAt(text, 4)).toEqual({ line: 2, column: 2 });
    expect(offsetAt(text, 2, 2)).toBe(4);
  });

  it("outside the text become the nearest ones inside", () => {
    expect(offsetAt("ab\ncd", 99, 99)).toBe(5);
    expect(offsetAt("ab\ncd", 0, 0)).toBe(0);
    expect(offsetAt("", 3, 3)).toBe(0);
  });
});

describe("syntaxProblem", () => {
  it("finds nothing wrong with an object", () => {
    expect(syntaxProblem(POLICY)).toBeUndefined();
  });

  it("says where JSON is broken", () => {
    expect(syntaxProblem('{\n  "a": 1,\n  "b": x\n}')).toMatchObject({ line: 3, column: 8 });
  });

  it("refuses two documents in a row", () => {
    expect(syntaxProblem("{}\n{}")).toMatchObject({ line: 2, column: 1 });
  });

  it("gives the end of the text if something is missing", () => {
    expect(syntaxProblem('{"a": 1')).toMatchObject({ line: 1, column: 8 });
  });

  it.each([
    ['{"a": 01}', 8],
    ['{"a": "b" "c": 1}', 11],
    ['{"a": [1, 2,]}', 13],
    ['{"a": "x\ny"}', 9],
    ["{'a': 1}", 2],
    ['{"a" 1}', 6],
    ['{"a": {"b": [1, {"c": tru}]}}', 23],
  ])("points into %s", (text, column) => {
    expect(syntaxProblem(text)).toMatchObject({ column });
  });

  it.each(['{"a": [1, -2.5e3, "\\u00e9\\n", true, null, {}, []]}', ' {"a"\n: {"b": ""} } '])("accepts %s", (text) => {
    expect(syntaxProblem(text)).toBeUndefined();
  });

  it.each(["[]", '"text"', "null", "3"])("requires an object, not %s", (text) => {
    expect(syntaxProblem(text)?.message).toContain("begins with {");
  });

  it("says that the text is empty", () => {
    expect(syntaxProblem("  \n")?.message).toContain("empty");
  });
});

describe("placeOf", () => {
  it("is the place that EC2 names", () => {
    expect(placeOf("The Policy Document is not valid. Syntax error at position (3,7)", POLICY)).toEqual({
      line: 3,
      column: 7,
    });
  });

  it("finds the resource that IAM names", () => {
    expect(placeOf('Resource papers must be in ARN format or "*".', POLICY)).toEqual({ line: 5, column: 51 });
  });

  it("finds a principal that is quoted", () => {
    const text = '{"Statement": {"Principal": {"AWS": "arn:aws:iam::1:user/gone"}}}';
    expect(placeOf('Invalid principal in policy: "AWS":"arn:aws:iam::1:user/gone"', text)?.column).toBe(37);
  });

  it("finds the statement without actions", () => {
    expect(placeOf("Policy statement must contain actions.", POLICY)).toEqual({ line: 5, column: 5 });
  });

  it("finds the statement whose resource S3 does not name", () => {
    expect(placeOf("Policy has invalid resource", POLICY)).toEqual({ line: 5, column: 5 });
  });

  it("finds the version", () => {
    expect(placeOf("Policy document must be version 2012-10-17 or greater.", POLICY)).toEqual({ line: 2, column: 3 });
  });

  it("guesses nothing if the message names nothing", () => {
    expect(placeOf("Syntax errors in policy.", POLICY)).toBeUndefined();
  });
});

describe("statementPosition", () => {
  it("is not misled by braces in texts", () => {
    expect(statementPosition(POLICY, 1)).toEqual({ line: 5, column: 5 });
  });

  it("is undefined for a statement that does not exist", () => {
    expect(statementPosition(POLICY, 2)).toBeUndefined();
  });
});

describe("problemsOf", () => {
  it("gives AWS's code and message with the place", () => {
    const error = refused("MalformedPolicyDocument", "Policy statement must contain actions.");
    expect(problemsOf(error, POLICY)).toEqual([
      { message: "MalformedPolicyDocument: Policy statement must contain actions.", line: 5, column: 5 },
    ]);
  });

  it("distinguishes errors of the policy from others", () => {
    expect(isPolicyError(refused("MalformedPolicy", ""))).toBe(true);
    expect(isPolicyError(refused("AccessDenied", ""))).toBe(false);
    expect(isPolicyError("MalformedPolicy")).toBe(false);
  });
});

describe("the text itself", () => {
  it("is formatted only if it is JSON", () => {
    expect(formatJson('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(formatJson("{a")).toBe("{a");
  });

  it("is counted without white space", () => {
    expect(countedCharacters(' {\n"a":\t1 } ')).toBe(7);
  });
});

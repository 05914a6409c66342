import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { DenialView } from "../../src/access/explain/DenialView";
import type { Denial, ExplainedStatement } from "../../src/access/explain/explanation";
import { Frame } from "../signedIn";

afterEach(cleanup);

const statement = (Effect: string): ExplainedStatement => ({
  Policy: "the endpoint's policy",
  Statement: "statement 1",
  Effect,
  Document: "{}",
  Mismatches: ["the action is another", "condition 1 fails"],
  Conditions: [
    { Operator: "StringEquals", Key: "aws:SourceVpce", Wanted: ["vpce-1"], Found: ["vpce-2"], Holds: false },
    { Operator: "Bool", Key: "aws:SecureTransport", Wanted: ["true"], Found: ["true"], Holds: true },
  ],
});

const DENIAL: Denial = {
  RequestId: "1",
  At: 0,
  Decision: "implicitDeny",
  PrincipalArn: "arn:aws:iam::000000000001:user/one",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::papers/1.txt",
  Message: "no",
  Because: [],
  DecidingStatements: [],
  ClosestStatements: [],
  Policies: [],
  Context: [],
};

/** The words that are marked as errors in what is shown, and those that are marked as successes. */
function marked(denial: Partial<Denial>) {
  render(<DenialView denial={{ ...DENIAL, ...denial }} />, { wrapper: Frame });
  const lists = screen.getAllByRole("list").filter((list) => within(list).queryByText(/aws:SourceVpce/));
  const words = (type: string): string[] =>
    lists.flatMap((list) =>
      [...list.querySelectorAll(`[class*=status-${type}]`)].map((each) => each.textContent ?? ""),
    );
  return { red: words("error"), green: words("success") };
}

test("conditions that fail are red in a statement that would have allowed the call, and so is what does not match", () => {
  const { red, green } = marked({ ClosestStatements: [statement("Allow")] });
  expect(red).toEqual(["the action is another", expect.stringMatching(/^StringEquals on aws:SourceVpce.*: fails$/)]);
  expect(green).toEqual([expect.stringMatching(/^Bool on aws:SecureTransport.*: holds$/)]);
});

test("conditions that hold are red in a statement that denies the call", () => {
  const { red } = marked({ DecidingStatements: [{ ...statement("Deny"), Mismatches: [] }] });
  expect(red).toEqual([expect.stringMatching(/^Bool on aws:SecureTransport.*: holds$/)]);
});

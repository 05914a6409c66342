import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultSessionName, roleArnProblem } from "../../src/session/roles";
import {
  currentSession,
  onForget,
  restoreSession,
  type Session,
  signedOutBecause,
  signIn,
  signOut,
} from "../../src/session/session";

const session = (kept: boolean, expiration?: number): Session => ({
  credentials: { accessKeyId: "AKIA", secretAccessKey: "secret", expiration },
  identity: { arn: "arn:aws:iam::000000000001:user/one", account: "000000000001" },
  kept,
});

beforeEach(() => sessionStorage.clear());
afterEach(() => signOut("asked"));

test("a session that is not to be kept is in no storage", () => {
  signIn(session(false));
  expect(currentSession()?.credentials.secretAccessKey).toBe("secret");
  expect(sessionStorage.length).toBe(0);
});

test("a kept session comes back, and is gone from the storage after signing out", () => {
  signIn(session(true));
  restoreSession();
  expect(currentSession()).toEqual(session(true));
  signOut("idle");
  expect(sessionStorage.length).toBe(0);
  expect(currentSession()).toBeUndefined();
  expect(signedOutBecause()).toBe("idle");
});

test.each(["{", "{}", "null", '{"credentials":{}}', JSON.stringify(session(true, 1_000))])(
  "what is stored and no valid session is dropped: %s",
  (text) => {
    sessionStorage.setItem("reading-room-session", text);
    restoreSession(2_000);
    expect(currentSession()).toBeUndefined();
    expect(sessionStorage.length).toBe(0);
  },
);

test("a session kept before does not outlive one that is not", () => {
  signIn(session(true));
  signIn(session(false));
  expect(sessionStorage.length).toBe(0);
});

test("whatever was cached is forgotten with the session", () => {
  let forgotten = 0;
  onForget(() => {
    forgotten += 1;
  });
  signIn(session(false));
  signOut("asked");
  expect(forgotten).toBe(2);
});

test.each([
  ["arn:aws:iam::000000000001:user/jane", "jane"],
  ["arn:aws:sts::000000000001:assumed-role/reader/job 7", "job-7"],
  ["arn:aws:iam::000000000001:root", "arn-aws-iam--000000000001-root"],
  ["arn:aws:iam::000000000001:user/x", "console"],
])("the session's name tells who assumed the role: %s", (arn, name) => {
  expect(defaultSessionName(arn)).toBe(name);
});

test("a role's ARN is told from other text", () => {
  expect(roleArnProblem(" arn:aws:iam::000000000001:role/service-role/reader ")).toBeUndefined();
  for (const wrong of ["", "reader", "arn:aws:iam::1:role/reader", "arn:aws:iam::000000000001:user/reader"]) {
    expect(roleArnProblem(wrong)).toContain("12 digits");
  }
});

import { renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadConfig } from "../../src/api/config";
import { leave } from "../../src/session/leave";
import { currentSession, type Session, setEndFailure, signIn, signOut, useEndFailure } from "../../src/session/session";

const session = (more: Partial<Session> = {}): Session => ({
  credentials: {
    accessKeyId: "ASIA1",
    secretAccessKey: "secret",
    sessionToken: "token",
    expiration: Date.now() + 3_600_000,
  },
  identity: { arn: "arn:aws:iam::000000000001:user/one", account: "000000000001" },
  kept: false,
  ...more,
});

/** What the server is sent, and whether somebody was signed in then. */
const sent: { headers: Record<string, string>; keepalive: boolean; signedIn: boolean }[] = [];

function serverAnswers(answer: () => Response): void {
  vi.stubGlobal("fetch", async (_: unknown, request: RequestInit) => {
    sent.push({
      headers: request.headers as Record<string, string>,
      keepalive: request.keepalive === true,
      signedIn: currentSession() !== undefined,
    });
    return answer();
  });
}

const failure = (): unknown => renderHook(() => useEndFailure()).result.current;

beforeEach(async () => {
  const config = { apiUrl: "http://127.0.0.1:4566", region: "us-east-1", account: "000000000001", version: "" };
  serverAnswers(() => new Response(JSON.stringify(config)));
  await loadConfig();
  sent.length = 0;
  serverAnswers(() => new Response("{}"));
});
afterEach(() => {
  vi.unstubAllGlobals();
  signOut("asked");
});

test("a session by link is ended on the server, with its own key, when the page has forgotten it", async () => {
  signIn(session({ byLink: true }));
  const left = leave("asked");
  expect(currentSession()).toBeUndefined();
  await left;
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({ keepalive: true, signedIn: false });
  expect(sent[0]?.headers["x-amz-target"]).toBe("ReadingRoom_20261127.EndSession");
  expect(sent[0]?.headers["authorization"]).toContain("Credential=ASIA1/");
  expect(failure()).toBeUndefined();
});

test("who assumed a role ends the session by link that it came of", async () => {
  const link = session({ byLink: true });
  const role = { accessKeyId: "ASIA2", secretAccessKey: "secret" };
  signIn(session({ credentials: { ...role, expiration: Date.now() - 1 }, from: link }));
  await leave("expired");
  expect(sent.map(({ headers }) => headers["authorization"]?.includes("Credential=ASIA1/"))).toEqual([true]);
});

test.each([
  ["an access key", session({ credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" } })],
  ["a session that is over", session({ byLink: true, credentials: { ...session().credentials, expiration: 1 } })],
])("%s is forgotten alone", async (_, signedIn) => {
  signIn(signedIn);
  await leave("asked");
  expect(currentSession()).toBeUndefined();
  expect(sent).toEqual([]);
});

test.each([
  ["no answer", () => Promise.reject(new TypeError("Failed to fetch")) as unknown as Response, "Failed to fetch"],
  ["a refusal", () => new Response('{"__type":"InternalFailure","message":"broken"}', { status: 500 }), "broken"],
  ["an answer that cannot be read", () => new Response("<html>", { status: 502 }), "JSON"],
])("with %s the page is signed out, and says that the session is open", async (_, answer, text) => {
  serverAnswers(answer);
  signIn(session({ byLink: true, kept: true }));
  await leave("idle");
  expect(currentSession()).toBeUndefined();
  expect(sessionStorage.length).toBe(0);
  expect(String(failure())).toContain(text);
  signIn(session());
  expect(failure()).toBeUndefined();
});

test.each(["ExpiredTokenException", "UnrecognizedClientException"])("%s says that it is over", async (code) => {
  serverAnswers(() => new Response(JSON.stringify({ __type: code, message: "over" }), { status: 400 }));
  signIn(session({ byLink: true }));
  await leave("asked");
  expect(failure()).toBeUndefined();
});

test("what a page hears of an end when somebody is signed in again, it keeps to itself", async () => {
  serverAnswers(() => new Response('{"__type":"InternalFailure","message":"broken"}', { status: 500 }));
  signIn(session({ byLink: true }));
  const left = leave("asked");
  signIn(session());
  await left;
  expect(failure()).toBeUndefined();
  setEndFailure(new Error("later"));
  signOut("asked");
  expect(failure()).toBeUndefined();
});

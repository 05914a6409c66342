import { renderHook } from "@testing-library/react";
import "fake-indexeddb/auto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { getConfig, loadConfig, setConfig } from "../../src/api/config";
import { leaveIfRefused } from "../../src/session/end";
import { leave } from "../../src/session/leave";
import {
  currentSession,
  type Session,
  setEndFailure,
  signedOutBecause,
  signIn,
  signOut,
  useEndFailure,
} from "../../src/session/session";
import { signingKey } from "../../src/session/signingKey";
import { readStored } from "../../src/session/store";

const key = await signingKey("secret");
const session = (more: Partial<Session> = {}): Session => ({
  credentials: {
    accessKeyId: "ASIA1",
    key,
    sessionToken: "token",
    expiration: Date.now() + 3_600_000,
  },
  identity: { arn: "arn:aws:iam::000000000001:user/one", account: "000000000001" },
  ...more,
});

/** The requests to the server, and whether a user was signed in then. */
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
afterEach(async () => {
  vi.unstubAllGlobals();
  await signOut("requested");
});

test("a session by link is ended on the server, with its own key, after the page has deleted it", async () => {
  await signIn(session({ byLink: true }));
  const left = leave("requested");
  expect(currentSession()).toBeUndefined();
  await left;
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({ keepalive: true, signedIn: false });
  expect(sent[0]?.headers["x-amz-target"]).toBe("ReadingRoom_20261127.EndSession");
  expect(sent[0]?.headers["authorization"]).toContain("Credential=ASIA1/");
  expect(failure()).toBeUndefined();
});

test("signing out of an assumed role ends the session by link behind it", async () => {
  const link = session({ byLink: true });
  const role = { accessKeyId: "ASIA2", key };
  await signIn(session({ credentials: { ...role, expiration: Date.now() - 1 }, from: link }));
  await leave("expired");
  expect(sent.map(({ headers }) => headers["authorization"]?.includes("Credential=ASIA1/"))).toEqual([true]);
});

test.each([
  ["an access key", session({ credentials: { accessKeyId: "AKIA", key } })],
  ["a session that is over", session({ byLink: true, credentials: { ...session().credentials, expiration: 1 } })],
])("%s is forgotten alone", async (_, signedIn) => {
  await signIn(signedIn);
  await leave("requested");
  expect(currentSession()).toBeUndefined();
  expect(sent).toEqual([]);
});

test.each([
  ["no answer", () => Promise.reject(new TypeError("Failed to fetch")) as unknown as Response, "Failed to fetch"],
  ["a refusal", () => new Response('{"__type":"InternalFailure","message":"broken"}', { status: 500 }), "broken"],
  ["an answer that cannot be read", () => new Response("<html>", { status: 502 }), "JSON"],
])("after %s the page is signed out, and says that the session has not ended", async (_, answer, text) => {
  serverAnswers(answer);
  await signIn(session({ byLink: true }));
  await leave("requested");
  expect(currentSession()).toBeUndefined();
  expect(await readStored()).toBeUndefined();
  expect(String(failure())).toContain(text);
  await signIn(session());
  expect(failure()).toBeUndefined();
});

test.each(["ExpiredTokenException", "UnrecognizedClientException"])(
  "%s means that the session has already ended",
  async (code) => {
    serverAnswers(() => new Response(JSON.stringify({ __type: code, message: "over" }), { status: 400 }));
    await signIn(session({ byLink: true }));
    await leave("requested");
    expect(failure()).toBeUndefined();
  },
);

test("a late answer about an ended session does not affect a new one", async () => {
  serverAnswers(() => new Response('{"__type":"InternalFailure","message":"broken"}', { status: 500 }));
  await signIn(session({ byLink: true }));
  const left = leave("requested");
  await signIn(session());
  await left;
  expect(failure()).toBeUndefined();
  setEndFailure(new Error("later"));
  await signOut("requested");
  expect(failure()).toBeUndefined();
});

const refusal = Object.assign(new Error("unknown"), { name: "UnrecognizedClientException" });
const STS = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';
const SOMEBODY = `<GetCallerIdentityResponse ${STS}><GetCallerIdentityResult><Account>1</Account><Arn>a</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`;
const NOBODY = `<ErrorResponse ${STS}><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>`;

/** Check the session with an STS that answers like this. */
async function refusedWhile(status: number, body: string, error: Error): Promise<void> {
  const sts = createServer((_, response) => response.writeHead(status, { "content-type": "text/xml" }).end(body));
  await new Promise<void>((resolve) => sts.listen(0, "127.0.0.1", resolve));
  setConfig({ ...getConfig(), apiUrl: `http://127.0.0.1:${(sts.address() as AddressInfo).port}` });
  try {
    await leaveIfRefused(error);
  } finally {
    sts.closeAllConnections();
    await new Promise((resolve) => sts.close(resolve));
  }
}

test("credentials that are no longer valid sign the user out", async () => {
  await signIn(session());
  await refusedWhile(403, NOBODY, refusal);
  expect(currentSession()).toBeUndefined();
  expect(signedOutBecause()).toBe("refused");
  expect(await readStored()).toBeUndefined();
});

test("credentials that only one service refuses stay", async () => {
  await signIn(session());
  await refusedWhile(200, SOMEBODY, refusal);
  expect(currentSession()).toBeDefined();
});

test("a denied call does not sign the user out", async () => {
  await signIn(session());
  await refusedWhile(403, NOBODY, Object.assign(new Error("no"), { name: "AccessDenied" }));
  expect(currentSession()).toBeDefined();
});

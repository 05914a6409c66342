import "fake-indexeddb/auto";
import { afterEach, expect, test } from "vitest";
import { defaultSessionName, roleArnProblem } from "../../src/session/roles";
import {
  currentSession,
  followOtherTabs,
  onForget,
  restoreSession,
  type Session,
  signedOutBecause,
  signIn,
  signOut,
} from "../../src/session/session";
import { signingKey } from "../../src/session/signingKey";
import { readStored, writeStored } from "../../src/session/store";

const key = await signingKey("secret");
const session = (more: Partial<Session["credentials"]> = {}): Session => ({
  credentials: { accessKeyId: "AKIA", key, ...more },
  identity: { arn: "arn:aws:iam::000000000001:user/one", account: "000000000001" },
});

/** Another tab of the browser, with the same store and the same messages. */
function otherTab() {
  const channel = new BroadcastChannel("reading-room-session");
  const next = () =>
    new Promise<unknown>((resolve) => channel.addEventListener("message", ({ data }) => resolve(data), { once: true }));
  return { channel, next, close: () => channel.close() };
}

afterEach(() => signOut("requested"));

test("a session survives a reload, with a key that cannot be extracted", async () => {
  await signIn(session());
  const stored = (await readStored()) as Session;
  expect(stored.credentials.key).toBeInstanceOf(CryptoKey);
  expect(stored.credentials.key.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("raw", stored.credentials.key)).rejects.toThrow();
  expect(sessionStorage.length + localStorage.length).toBe(0);
  await restoreSession();
  expect(currentSession()?.identity).toEqual(session().identity);
});

test("a session is shown only when a reload would find it", async () => {
  const signedIn = signIn(session());
  expect(currentSession()).toBeUndefined();
  await signedIn;
  expect(currentSession()).toEqual(session());
});

test("signing out while a sign-in is being stored ends it", async () => {
  const signedIn = signIn(session());
  await signOut("requested");
  await signedIn;
  expect(currentSession()).toBeUndefined();
  expect(await readStored()).toBeUndefined();
});

test("a user who assumed a role can switch back after a reload", async () => {
  await signIn({ ...session({ sessionToken: "token" }), from: session() });
  await restoreSession();
  expect(currentSession()?.from?.credentials.key.extractable).toBe(false);
});

test("signing out deletes what the browser stored", async () => {
  await signIn(session());
  await signOut("requested");
  expect(await readStored()).toBeUndefined();
  expect(currentSession()).toBeUndefined();
  expect(signedOutBecause()).toBe("requested");
});

const readable = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]);

test.each([
  ["text", "{"],
  ["nothing", {}],
  ["no key", { credentials: { accessKeyId: "AKIA" }, identity: { arn: "arn" } }],
  ["a secret as text", { credentials: { accessKeyId: "AKIA", secretAccessKey: "s" }, identity: { arn: "arn" } }],
  ["a key that can be read out", session({ key: readable })],
  ["expired credentials", session({ expiration: 1_000 })],
  ["who assumed the role without a key", { ...session(), from: { credentials: {}, identity: { arn: "arn" } } }],
])("what is stored and no valid session is dropped: %s", async (_, stored) => {
  await writeStored(stored as Session);
  await restoreSession(2_000);
  expect(currentSession()).toBeUndefined();
  expect(await readStored()).toBeUndefined();
});

test("a session lasts exactly as long as its credentials", async () => {
  await writeStored(session({ expiration: 2_000 }));
  await restoreSession(1_999);
  expect(currentSession()).toBeDefined();
});

test("other tabs get the sign-in, and the sign-out with its reason", async () => {
  const other = otherTab();
  try {
    const signedIn = other.next();
    await signIn(session());
    expect(await signedIn).toEqual({});
    const signedOut = other.next();
    await signOut("expired");
    expect(await signedOut).toEqual({ signedOut: "expired" });
  } finally {
    other.close();
  }
});

test("a tab signs in and out with another one", async () => {
  const other = otherTab();
  const unfollow = followOtherTabs();
  const changed = (): Promise<void> => new Promise((resolve) => onForget(resolve));
  try {
    await writeStored(session());
    let change = changed();
    other.channel.postMessage({});
    await change;
    expect(currentSession()?.credentials.accessKeyId).toBe("AKIA");
    change = changed();
    other.channel.postMessage({ signedOut: "requested" });
    await change;
    expect(currentSession()).toBeUndefined();
    expect(signedOutBecause()).toBe("requested");
  } finally {
    unfollow();
    other.close();
  }
});

test("everything cached is deleted with the session", async () => {
  let forgotten = 0;
  onForget(() => {
    forgotten += 1;
  });
  await signIn(session());
  await signOut("requested");
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

test("a role's ARN is distinguished from other text", () => {
  expect(roleArnProblem(" arn:aws:iam::000000000001:role/service-role/reader ")).toBeUndefined();
  for (const wrong of ["", "reader", "arn:aws:iam::1:role/reader", "arn:aws:iam::000000000001:user/reader"]) {
    expect(roleArnProblem(wrong)).toContain("12 digits");
  }
});

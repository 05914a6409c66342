import { useSyncExternalStore } from "react";
import { clearStored, readStored, writeStored } from "./store";

/**
 * The credentials that sign requests. The secret is a key that can sign but cannot be read, in memory and in the store.
 */
export interface Credentials {
  readonly accessKeyId: string;
  readonly key: CryptoKey;
  readonly sessionToken?: string | undefined;
  /** Milliseconds since 1970; absent for keys that do not expire. */
  readonly expiration?: number | undefined;
}

export interface Identity {
  readonly arn: string;
  readonly account: string;
}

export interface Session {
  readonly credentials: Credentials;
  readonly identity: Identity;
  /** The session that assumed the role of this one, if it is a role's: "Switch back" restores it. */
  readonly from?: Session | undefined;
  /** Whether a sign-in link made these credentials, so that they can be ended. */
  readonly byLink?: boolean | undefined;
}

export type SignOutReason = "requested" | "expired" | "refused";

/** A message to the other tabs: the stored session has changed, or why there is none any more. */
interface Message {
  readonly signedOut?: SignOutReason | undefined;
}

let current: Session | undefined;
let reason: SignOutReason | undefined;
let endFailure: unknown;
let storeFailure: unknown;
/** How often somebody has signed in or out in this tab. */
let changes = 0;
const listeners = new Set<() => void>();
const forgetters = new Set<() => void>();
const channel = new BroadcastChannel("reading-room-session");

/** Register what else must be deleted at sign-out: cached answers, clients. */
export function onForget(forget: () => void): void {
  forgetters.add(forget);
}

export function currentSession(): Session | undefined {
  return current;
}

/** Start a session in every tab. If the browser stores nothing, it lasts in this tab until the page is reloaded. */
export async function signIn(session: Session): Promise<void> {
  changes += 1;
  const change = changes;
  // Whoever sees the session may reload the page at once, which must find it.
  await store(() => writeStored(session), {});
  if (change !== changes) return;
  reason = undefined;
  endFailure = undefined;
  replace(session);
}

/** End the session in every tab. This page has deleted it when the function returns, the browser with the promise. */
export async function signOut(why: SignOutReason): Promise<void> {
  changes += 1;
  reason = why;
  endFailure = undefined;
  replace(undefined);
  await store(clearStored, { signedOut: why });
}

async function store(change: () => Promise<void>, message: Message): Promise<void> {
  storeFailure = undefined;
  try {
    await change();
  } catch (error) {
    storeFailure = error;
    tell();
  }
  channel.postMessage(message);
}

/** Remember why the server did not end the last session. */
export function setEndFailure(failure: unknown): void {
  endFailure = failure;
  tell();
}

/** Why the last session's credentials are still valid; undefined if they are not. */
export function useEndFailure(): unknown {
  return useSyncExternalStore(subscribe, () => endFailure);
}

/** Why the browser could not store or delete the session; undefined if it could. */
export function useStoreFailure(): unknown {
  return useSyncExternalStore(subscribe, () => storeFailure);
}

/** Why there is no session any more, if there was one since this page was loaded. */
export function signedOutBecause(): SignOutReason | undefined {
  return reason;
}

/** Resume the session that the browser has stored. Damaged or expired ones are discarded. */
export async function restoreSession(now: number = Date.now()): Promise<void> {
  const stored = await readStored().catch((error: unknown) => {
    storeFailure = error;
    return undefined;
  });
  if (stored === undefined) return;
  if (isSession(stored) && !isExpired(stored, now)) {
    current = stored;
    return;
  }
  await store(clearStored, {});
}

/** Sign in and out with the other tabs. The returned function stops this. */
export function followOtherTabs(): () => void {
  const receive = async ({ data }: MessageEvent<Message>): Promise<void> => {
    if (data.signedOut !== undefined) {
      if (current === undefined) return;
      reason = data.signedOut;
      endFailure = undefined;
      replace(undefined);
      return;
    }
    const stored = await readStored();
    if (!isSession(stored) || isExpired(stored)) return;
    reason = undefined;
    replace(stored);
  };
  const listener = (event: MessageEvent<Message>): void => {
    receive(event).catch((error: unknown) => {
      storeFailure = error;
      tell();
    });
  };
  channel.addEventListener("message", listener);
  return () => channel.removeEventListener("message", listener);
}

export function isExpired(session: Session, now: number = Date.now()): boolean {
  return session.credentials.expiration !== undefined && session.credentials.expiration <= now;
}

export function useSession(): Session | undefined {
  return useSyncExternalStore(subscribe, currentSession);
}

/** The session, for a page that is shown only to signed-in users. */
export function useSignedIn(): Session {
  const session = useSession();
  if (session === undefined) throw new Error("this page needs a session");
  return session;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function replace(session: Session | undefined): void {
  current = session;
  for (const forget of forgetters) forget();
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

function isSession(value: unknown): value is Session {
  if (typeof value !== "object" || value === null) return false;
  const { credentials, identity, from } = value as Partial<Session>;
  return (
    credentials?.key instanceof CryptoKey &&
    !credentials.key.extractable &&
    typeof credentials.accessKeyId === "string" &&
    typeof identity?.arn === "string" &&
    (from === undefined || isSession(from))
  );
}

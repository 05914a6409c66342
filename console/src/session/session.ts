import { useSyncExternalStore } from "react";
import { clearStored, readStored, writeStored } from "./store";

/** What signs requests. The secret is a key that can sign and cannot be read, in memory and in the browser's store. */
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
  /** Who assumed the role of this session, if it is one: where "switch back" leads. */
  readonly from?: Session | undefined;
  /** Whether a sign-in link made these credentials, so that they can be ended. */
  readonly byLink?: boolean | undefined;
}

export type SignOutReason = "asked" | "expired" | "refused";

/** What a tab tells the others: that the stored session is another one, or why there is none any more. */
interface Message {
  readonly signedOut?: SignOutReason | undefined;
}

let current: Session | undefined;
let reason: SignOutReason | undefined;
let endFailure: unknown;
let storeFailure: unknown;
const listeners = new Set<() => void>();
const forgetters = new Set<() => void>();
const channel = new BroadcastChannel("reading-room-session");

/** Register what else must be forgotten at sign-out: cached answers, clients. */
export function onForget(forget: () => void): void {
  forgetters.add(forget);
}

export function currentSession(): Session | undefined {
  return current;
}

/** Begin a session in every tab. Where the browser keeps nothing, it holds in this tab until the page is loaded anew. */
export async function signIn(session: Session): Promise<void> {
  reason = undefined;
  endFailure = undefined;
  replace(session);
  await store(() => writeStored(session), {});
}

/** End the session in every tab. This page has forgotten it when the function returns, the browser with the promise. */
export async function signOut(why: SignOutReason): Promise<void> {
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

/** Remember why the server did not end the session that was signed out of last. */
export function setEndFailure(failure: unknown): void {
  endFailure = failure;
  tell();
}

/** Why the credentials that this page has forgotten are still good; undefined where they are not. */
export function useEndFailure(): unknown {
  return useSyncExternalStore(subscribe, () => endFailure);
}

/** Why the browser did not keep or forget what it was told to; undefined where it did. */
export function useStoreFailure(): unknown {
  return useSyncExternalStore(subscribe, () => storeFailure);
}

/** Why there is no session, where there was one in this page's life. */
export function signedOutBecause(): SignOutReason | undefined {
  return reason;
}

/** Take up the session that the browser has kept. Damaged or expired ones are dropped. */
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

/** Do what other tabs do: sign in and out with them. The function returned stops it. */
export function followOtherTabs(): () => void {
  const hear = async ({ data }: MessageEvent<Message>): Promise<void> => {
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
    hear(event).catch((error: unknown) => {
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

/** The session of a page that is only shown to those who are signed in. */
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

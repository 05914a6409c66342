import { useSyncExternalStore } from "react";

/** What signs requests. Kept in memory; in session storage only when the person who signs in asks for it. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
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
  /** Whether a reload of the page may keep it. */
  readonly kept: boolean;
  /** Whether a sign-in link made these credentials, so that they can be ended. */
  readonly byLink?: boolean | undefined;
}

export type SignOutReason = "asked" | "idle" | "expired";

/** Without a key pressed or a pointer moved for this long, the session is forgotten. */
export const IDLE_MILLISECONDS = 30 * 60 * 1000;
const STORAGE_KEY = "reading-room-session";

let current: Session | undefined;
let reason: SignOutReason | undefined;
let endFailure: unknown;
const listeners = new Set<() => void>();
const forgetters = new Set<() => void>();

/** Register what else must be forgotten at sign-out: cached answers, clients. */
export function onForget(forget: () => void): void {
  forgetters.add(forget);
}

export function currentSession(): Session | undefined {
  return current;
}

export function signIn(session: Session): void {
  reason = undefined;
  endFailure = undefined;
  replace(session);
}

export function signOut(why: SignOutReason): void {
  reason = why;
  endFailure = undefined;
  replace(undefined);
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

/** Why there is no session, where there was one in this page's life. */
export function signedOutBecause(): SignOutReason | undefined {
  return reason;
}

/** Take up a session that an earlier load of this tab was asked to keep. Damaged or expired ones are dropped. */
export function restoreSession(now: number = Date.now()): void {
  const stored = sessionStorage.getItem(STORAGE_KEY);
  if (stored === null) return;
  try {
    const session: unknown = JSON.parse(stored);
    if (isSession(session) && !isExpired(session, now)) {
      current = session;
      return;
    }
  } catch {
    // Not ours, or cut short: removed below.
  }
  sessionStorage.removeItem(STORAGE_KEY);
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
  if (session?.kept) sessionStorage.setItem(STORAGE_KEY, JSON.stringify(session));
  else sessionStorage.removeItem(STORAGE_KEY);
  for (const forget of forgetters) forget();
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

function isSession(value: unknown): value is Session {
  if (typeof value !== "object" || value === null) return false;
  const { credentials, identity } = value as Partial<Session>;
  return typeof credentials?.secretAccessKey === "string" && typeof identity?.arn === "string";
}

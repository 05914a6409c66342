import { hasCode } from "../api/errors";
import { callReadingRoom } from "../api/readingRoom";
import { currentSession, isExpired, type Session, type SignOutReason, setEndFailure, signOut } from "./session";

/** What the API answers of credentials that are over already. */
const OVER = ["ExpiredTokenException", "UnrecognizedClientException"];

/**
 * Sign out: the page forgets the keys at once, as every other tab does, and the server is asked to end what a sign-in link made.
 *
 * Whatever it answers, nobody is signed in here any more; where it did not end the session, the sign-in page says so.
 */
export async function leave(why: SignOutReason): Promise<void> {
  const session = sessionOfLink(currentSession());
  const forgotten = signOut(why);
  if (session === undefined || isExpired(session)) return await forgotten;
  try {
    await callReadingRoom(session, "EndSession", {}, { keepalive: true });
  } catch (error) {
    // Who has signed in again meanwhile is shown no sign-in page.
    if (!hasCode(error, ...OVER) && currentSession() === undefined) setEndFailure(error);
  }
  await forgotten;
}

/** The session that a link made: this one, or the one that assumed its role. */
function sessionOfLink(session: Session | undefined): Session | undefined {
  return session === undefined || session.byLink ? session : sessionOfLink(session.from);
}

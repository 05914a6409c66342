import { hasCode } from "../api/errors";
import { callReadingRoom } from "../api/readingRoom";
import { currentSession, isExpired, type Session, type SignOutReason, setEndFailure, signOut } from "./session";

/** The API's errors for credentials that have already ended. */
const OVER = ["ExpiredTokenException", "UnrecognizedClientException"];

/**
 * Sign out: this page and every other tab delete the keys at once, and the server ends the session of a sign-in link.
 *
 * Whatever the server answers, nobody is signed in here any more; if it did not end the session, the sign-in page says
 * so.
 */
export async function leave(why: SignOutReason): Promise<void> {
  const session = sessionOfLink(currentSession());
  const forgotten = signOut(why);
  if (session === undefined || isExpired(session)) return await forgotten;
  try {
    await callReadingRoom(session, "EndSession", {}, { keepalive: true });
  } catch (error) {
    // A user who has signed in again in the meantime does not see the sign-in page.
    if (!hasCode(error, ...OVER) && currentSession() === undefined) setEndFailure(error);
  }
  await forgotten;
}

/** The session of a sign-in link: this one, or the one that assumed its role. */
function sessionOfLink(session: Session | undefined): Session | undefined {
  return session === undefined || session.byLink ? session : sessionOfLink(session.from);
}

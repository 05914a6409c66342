import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { useEffect } from "react";
import { clientSettings } from "../api/clients";
import { hasCode } from "../api/errors";
import { leave } from "./leave";
import { currentSession, isExpired, useSession } from "./session";

const LOOK_MILLISECONDS = 5_000;

/** Sign out when the credentials expire. */
export function useSessionEnd(): void {
  const session = useSession();
  useEffect(() => {
    if (session === undefined) return;
    const look = (): void => {
      if (isExpired(session)) void leave("expired");
    };
    look();
    const timer = window.setInterval(look, LOOK_MILLISECONDS);
    return () => window.clearInterval(timer);
  }, [session]);
}

/** The APIs' errors for credentials that are no longer valid, or never were. */
const REFUSED = [
  ...["ExpiredToken", "ExpiredTokenException", "InvalidToken"],
  ...["InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"],
];

let asking = false;

/**
 * Sign out if the server does not accept the credentials any more, once an answer suggests that.
 *
 * Some credentials work only for a few services, so the one call that all of them may make decides.
 */
export async function leaveIfRefused(error: unknown): Promise<void> {
  const session = currentSession();
  if (asking || session === undefined || !hasCode(error, ...REFUSED)) return;
  asking = true;
  try {
    await new STSClient(clientSettings(session.credentials)).send(new GetCallerIdentityCommand({}));
  } catch (refusal) {
    if (hasCode(refusal, ...REFUSED) && currentSession() === session) await leave("refused");
  } finally {
    asking = false;
  }
}

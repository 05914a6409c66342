import type { Credentials, Session } from "../session/session";
import { onForget, useSignedIn } from "../session/session";
import { type HashClass, handleOf, signingHash } from "../session/signingKey";
import { getConfig } from "./config";

export interface ClientSettings {
  endpoint: string;
  region: string;
  /** Instead of a secret, these have a name for the key that ``sha256`` signs with. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  sha256: HashClass;
  maxAttempts: number;
}

/** The configuration of every client of the AWS SDK. */
export function clientSettings(credentials: Credentials): ClientSettings {
  const { apiUrl, region } = getConfig();
  return {
    endpoint: apiUrl,
    region,
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: handleOf(credentials.key),
      ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
    },
    sha256: signingHash(credentials.key),
    maxAttempts: 3,
  };
}

type Maker<Client> = (settings: ClientSettings) => Client;

/**
 * Return a hook that gives the current session's client, and a plain function that gives any session's.
 *
 * A session has one client for each service, which is discarded with the session.
 */
export function clientOf<Client>(make: Maker<Client>): { use: () => Client; of: (session: Session) => Client } {
  let made = new WeakMap<Session, Client>();
  onForget(() => {
    made = new WeakMap();
  });
  const of = (session: Session): Client => {
    const known = made.get(session);
    if (known !== undefined) return known;
    const client = make(clientSettings(session.credentials));
    made.set(session, client);
    return client;
  };
  return { use: () => of(useSignedIn()), of };
}

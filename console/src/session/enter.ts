import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { clientSettings } from "../api/clients";
import { callReadingRoom } from "../api/readingRoom";
import { leave } from "./leave";
import { currentSession, type Session, signIn } from "./session";
import { signingKey } from "./signingKey";

/** Credentials as the API returns them, and as users have them. */
export interface TypedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Milliseconds since 1970; absent for keys that do not expire. */
  readonly expiration?: number | undefined;
}

/** Sign in with these credentials, after the API has returned their identity. Throws the API's errors. */
export async function enter(
  { secretAccessKey, ...others }: TypedCredentials,
  { from, byLink }: Pick<Session, "from" | "byLink"> = {},
): Promise<void> {
  const credentials = { ...others, key: await signingKey(secretAccessKey) };
  const client = new STSClient(clientSettings(credentials));
  const { Arn, Account } = await client.send(new GetCallerIdentityCommand({}));
  if (Arn === undefined || Account === undefined) throw new Error("GetCallerIdentity returned no identity");
  // Signing in as another user must not leave a sign-in behind that nobody can end.
  if (from === undefined && currentSession() !== undefined) await leave("requested");
  await signIn({ credentials, identity: { arn: Arn, account: Account }, from, byLink });
}

interface Redeemed {
  readonly Credentials: {
    readonly AccessKeyId: string;
    readonly SecretAccessKey: string;
    readonly SessionToken: string;
    /** Seconds since 1970. */
    readonly Expiration: number;
  };
}

/** Sign in with the token of a sign-in link, which works once. Throws the API's errors. */
export async function enterByToken(token: string): Promise<void> {
  const { Credentials: given } = await callReadingRoom<Redeemed>(undefined, "RedeemSignInToken", { Token: token });
  await enter(
    {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
      expiration: given.Expiration * 1000,
    },
    { byLink: true },
  );
}

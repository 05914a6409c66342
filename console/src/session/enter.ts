import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { clientSettings } from "../api/clients";
import { callReadingRoom } from "../api/readingRoom";
import { type Credentials, type Session, signIn } from "./session";

/** Sign in with these credentials, once the API has said whose they are. Throws what the API answers. */
export async function enter(
  credentials: Credentials,
  kept: boolean,
  { from, byLink }: Pick<Session, "from" | "byLink"> = {},
): Promise<void> {
  const client = new STSClient(clientSettings(credentials));
  const { Arn, Account } = await client.send(new GetCallerIdentityCommand({}));
  if (Arn === undefined || Account === undefined) throw new Error("GetCallerIdentity named nobody");
  signIn({ credentials, identity: { arn: Arn, account: Account }, kept, from, byLink });
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

/** Sign in with the token of a sign-in link, which works once. Throws what the API answers. */
export async function enterByToken(token: string, kept: boolean): Promise<void> {
  const { Credentials: given } = await callReadingRoom<Redeemed>(undefined, "RedeemSignInToken", { Token: token });
  await enter(
    {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
      expiration: given.Expiration * 1000,
    },
    kept,
    { byLink: true },
  );
}

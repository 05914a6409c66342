import { SignatureV4 } from "@smithy/signature-v4";
import type { Session } from "../session/session";
import { useSignedIn } from "../session/session";
import { clientSettings } from "./clients";
import { getConfig } from "./config";

const SERVICE = "reading-room";
const TARGET = "ReadingRoom_20261127";

/** An error of the API `reading-room`, in the form of the AWS SDK's errors. */
export class ReadingRoomError extends Error {
  readonly $metadata: { readonly httpStatusCode: number; readonly requestId: string | undefined };

  constructor(name: string, message: string, status: number, requestId: string | undefined) {
    super(message);
    this.name = name;
    this.$metadata = { httpStatusCode: status, requestId };
  }
}

export type Call = <Output>(operation: string, input: object, signal?: AbortSignal) => Promise<Output>;

/** The caller of the API `reading-room` (docs/reading-room-api.md): what AWS's own APIs do not offer. */
export function useReadingRoom(): Call {
  const session = useSignedIn();
  return (operation, input, signal) => callReadingRoom(session, operation, input, { signal });
}

interface Options {
  readonly signal?: AbortSignal | undefined;
  /** Whether the request is sent even if the page is closed in the meantime. */
  readonly keepalive?: boolean;
}

/** Call an operation; without a session the request is not signed. */
export async function callReadingRoom<Output>(
  session: Session | undefined,
  operation: string,
  input: object,
  { signal, keepalive = false }: Options = {},
): Promise<Output> {
  const url = new URL(getConfig().apiUrl);
  const body = JSON.stringify(input);
  const unsigned = {
    method: "POST",
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== "" && { port: Number(url.port) }),
    path: "/",
    query: {},
    headers: {
      host: url.host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `${TARGET}.${operation}`,
    } as Record<string, string>,
    body,
  };
  const headers = session === undefined ? unsigned.headers : (await signer(session).sign(unsigned)).headers;
  const { host: _, ...sent } = headers;
  const response = await fetch(url, { method: "POST", headers: sent, body, signal: signal ?? null, keepalive });
  const text = await response.text();
  const answer: unknown = text === "" ? {} : JSON.parse(text);
  if (response.ok) return answer as Output;
  const { __type, message, Message } = answer as { __type?: string; message?: string; Message?: string };
  throw new ReadingRoomError(
    __type?.split("#").at(-1) ?? `Status${response.status}`,
    message ?? Message ?? "",
    response.status,
    response.headers.get("x-amzn-requestid") ?? undefined,
  );
}

function signer(session: Session): SignatureV4 {
  const { credentials, region, sha256 } = clientSettings(session.credentials);
  return new SignatureV4({ service: SERVICE, region, credentials, sha256 });
}

import type { ComprehendClient } from "@aws-sdk/client-comprehend";
import { TEXT_COMMANDS } from "../kinds/commands.generated";
import type { Answer, BatchAnswer } from "./findings";
import type { Kind } from "./kinds";

/** A request of a Detect operation, or of ClassifyDocument, with the API's member names. */
export interface DetectRequest {
  readonly Text?: string;
  readonly TextSegments?: readonly { readonly Text: string }[];
  readonly LanguageCode?: string;
  readonly EndpointArn?: string;
}

export interface BatchRequest {
  readonly TextList: readonly string[];
  readonly LanguageCode?: string;
}

/** The answer of a call, and how long it took as this page measured it. */
export interface Timed<Value> {
  readonly value: Value;
  readonly milliseconds: number;
  readonly requestId: string | undefined;
}

type Sent<Value> = Promise<Value & { readonly $metadata: { readonly requestId?: string | undefined } }>;
type CommandClass<Input> = new (input: Input) => Parameters<ComprehendClient["send"]>[0];

interface TextCommands {
  readonly Detect: CommandClass<DetectRequest>;
  /** Absent if the analysis has no operation for several texts. */
  readonly Batch?: CommandClass<BatchRequest>;
}

/** The request for one text. The endpoint for prompts is the service's own, and there is one in each region. */
export function detectRequest(
  kind: Kind,
  text: string,
  language: string | undefined,
  region = "us-east-1",
): DetectRequest {
  if (kind.form === "segments") return { TextSegments: [{ Text: text }], LanguageCode: language ?? "en" };
  if (kind.form === "prompt") {
    return { Text: text, EndpointArn: `arn:aws:comprehend:${region}:aws:document-classifier-endpoint/prompt-safety` };
  }
  return kind.languages === undefined || language === undefined
    ? { Text: text }
    : { Text: text, LanguageCode: language };
}

export function batchRequest(kind: Kind, texts: readonly string[], language: string): BatchRequest {
  return kind.languages === undefined ? { TextList: texts } : { TextList: texts, LanguageCode: language };
}

function commandsOf(kind: Kind): TextCommands {
  // The SDK types each class by its own operation; a table of all kinds needs a common type.
  return TEXT_COMMANDS[kind.id] as unknown as TextCommands;
}

export function detect(
  client: ComprehendClient,
  kind: Kind,
  request: DetectRequest,
  signal?: AbortSignal,
): Promise<Timed<Answer>> {
  const options = signal === undefined ? {} : { abortSignal: signal };
  return timed(() => client.send(new (commandsOf(kind).Detect)(request), options) as Sent<Answer>);
}

export function detectBatch(client: ComprehendClient, kind: Kind, request: BatchRequest): Promise<Timed<BatchAnswer>> {
  const { Batch } = commandsOf(kind);
  if (Batch === undefined) throw new Error(`${kind.label} has no operation for several texts`);
  return timed(() => client.send(new Batch(request)) as unknown as Sent<BatchAnswer>);
}

async function timed<Value>(call: () => Sent<Value>): Promise<Timed<Value>> {
  const begun = performance.now();
  const { $metadata, ...value } = await call();
  // The answer without the SDK's metadata.
  return {
    value: value as unknown as Value,
    milliseconds: performance.now() - begun,
    requestId: $metadata.requestId,
  };
}

import {
  BatchDetectDominantLanguageCommand,
  type BatchDetectDominantLanguageCommandInput,
  BatchDetectEntitiesCommand,
  type BatchDetectEntitiesCommandInput,
  BatchDetectKeyPhrasesCommand,
  type BatchDetectKeyPhrasesCommandInput,
  BatchDetectSentimentCommand,
  type BatchDetectSentimentCommandInput,
  BatchDetectSyntaxCommand,
  type BatchDetectSyntaxCommandInput,
  BatchDetectTargetedSentimentCommand,
  type BatchDetectTargetedSentimentCommandInput,
  type ComprehendClient,
  DetectDominantLanguageCommand,
  type DetectDominantLanguageCommandInput,
  DetectEntitiesCommand,
  type DetectEntitiesCommandInput,
  DetectKeyPhrasesCommand,
  type DetectKeyPhrasesCommandInput,
  DetectSentimentCommand,
  type DetectSentimentCommandInput,
  DetectSyntaxCommand,
  type DetectSyntaxCommandInput,
  DetectTargetedSentimentCommand,
  type DetectTargetedSentimentCommandInput,
} from "@aws-sdk/client-comprehend";
import type { Answer, BatchAnswer } from "./findings";
import type { Kind, KindId } from "./kinds";

/** A request of a Detect operation, members as the API names them. */
export interface DetectRequest {
  readonly Text: string;
  readonly LanguageCode?: string;
}

export interface BatchRequest {
  readonly TextList: readonly string[];
  readonly LanguageCode?: string;
}

/** What a call gave, and how long its answer took to come, seen from this page. */
export interface Timed<Value> {
  readonly value: Value;
  readonly milliseconds: number;
  readonly requestId: string | undefined;
}

type Sent<Value> = Promise<Value & { readonly $metadata: { readonly requestId?: string | undefined } }>;
type Send<Request, Value> = (client: ComprehendClient, request: Request, signal?: AbortSignal) => Sent<Value>;

export function detectRequest(kind: Kind, text: string, language: string | undefined): DetectRequest {
  return kind.languages === undefined || language === undefined
    ? { Text: text }
    : { Text: text, LanguageCode: language };
}

export function batchRequest(kind: Kind, texts: readonly string[], language: string): BatchRequest {
  return kind.languages === undefined ? { TextList: texts } : { TextList: texts, LanguageCode: language };
}

const DETECT: Readonly<Record<KindId, Send<DetectRequest, Answer>>> = {
  entities: (client, request, abortSignal) =>
    client.send(new DetectEntitiesCommand(request as DetectEntitiesCommandInput), { abortSignal }),
  "key-phrases": (client, request, abortSignal) =>
    client.send(new DetectKeyPhrasesCommand(request as DetectKeyPhrasesCommandInput), { abortSignal }),
  language: (client, request, abortSignal) =>
    client.send(new DetectDominantLanguageCommand(request as DetectDominantLanguageCommandInput), { abortSignal }),
  sentiment: (client, request, abortSignal) =>
    client.send(new DetectSentimentCommand(request as DetectSentimentCommandInput), { abortSignal }),
  "targeted-sentiment": (client, request, abortSignal) =>
    client.send(new DetectTargetedSentimentCommand(request as DetectTargetedSentimentCommandInput), { abortSignal }),
  syntax: (client, request, abortSignal) =>
    client.send(new DetectSyntaxCommand(request as DetectSyntaxCommandInput), { abortSignal }),
};

const BATCH: Readonly<Record<KindId, Send<BatchRequest, BatchAnswer>>> = {
  entities: (client, request) =>
    client.send(new BatchDetectEntitiesCommand(request as unknown as BatchDetectEntitiesCommandInput)),
  "key-phrases": (client, request) =>
    client.send(new BatchDetectKeyPhrasesCommand(request as unknown as BatchDetectKeyPhrasesCommandInput)),
  language: (client, request) =>
    client.send(new BatchDetectDominantLanguageCommand(request as unknown as BatchDetectDominantLanguageCommandInput)),
  sentiment: (client, request) =>
    client.send(new BatchDetectSentimentCommand(request as unknown as BatchDetectSentimentCommandInput)),
  "targeted-sentiment": (client, request) =>
    client.send(
      new BatchDetectTargetedSentimentCommand(request as unknown as BatchDetectTargetedSentimentCommandInput),
    ),
  syntax: (client, request) =>
    client.send(new BatchDetectSyntaxCommand(request as unknown as BatchDetectSyntaxCommandInput)),
};

export function detect(
  client: ComprehendClient,
  kind: Kind,
  request: DetectRequest,
  signal?: AbortSignal,
): Promise<Timed<Answer>> {
  return timed(() => DETECT[kind.id](client, request, signal));
}

export function detectBatch(client: ComprehendClient, kind: Kind, request: BatchRequest): Promise<Timed<BatchAnswer>> {
  return timed(() => BATCH[kind.id](client, request));
}

async function timed<Value>(call: () => Sent<Value>): Promise<Timed<Value>> {
  const begun = performance.now();
  const { $metadata, ...value } = await call();
  // The answer without what the SDK adds to it.
  return {
    value: value as unknown as Value,
    milliseconds: performance.now() - begun,
    requestId: $metadata.requestId,
  };
}

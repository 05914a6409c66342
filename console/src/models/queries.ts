import {
  type ComprehendClient,
  DescribeDocumentClassifierCommand,
  DescribeEntityRecognizerCommand,
  ListDocumentClassifiersCommand,
  ListEntityRecognizersCommand,
} from "@aws-sdk/client-comprehend";
import { useQuery } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import { parseModelArn } from "./arn";
import type { ModelKindId } from "./kinds";
import { isMoving, type Model, newestFirst, ofClassifier, ofRecognizer } from "./model";

const PAGE = 500;
const MOVING_MILLISECONDS = 2_000;
const RESTING_MILLISECONDS = 10_000;

const LIST: Readonly<Record<ModelKindId, string>> = {
  classifier: "ListDocumentClassifiers",
  recognizer: "ListEntityRecognizers",
};

/** All models of a type, each version separately, newest first. They are read more often while one changes. */
export function useModels(kind: ModelKindId) {
  const client = useComprehend();
  return useQuery({
    queryKey: ["comprehend", LIST[kind]],
    queryFn: ({ signal }) => listModels(client, kind, signal),
    refetchInterval: ({ state }) => pace(state.data ?? []),
  });
}

/** One model. */
export function useModel(arn: string) {
  const client = useComprehend();
  const kind = parseModelArn(arn)?.kind;
  return useQuery({
    queryKey: ["comprehend", "DescribeModel", arn],
    queryFn: ({ signal }) => describeModel(client, arn, signal),
    enabled: kind !== undefined,
    refetchInterval: ({ state }) => (state.error === null ? pace(state.data === undefined ? [] : [state.data]) : false),
  });
}

function pace(models: readonly Model[]): number {
  return models.some(isMoving) ? MOVING_MILLISECONDS : RESTING_MILLISECONDS;
}

async function listModels(client: ComprehendClient, kind: ModelKindId, abortSignal: AbortSignal): Promise<Model[]> {
  const models: Model[] = [];
  let NextToken: string | undefined;
  do {
    const input = { MaxResults: PAGE, NextToken };
    if (kind === "classifier") {
      const page = await client.send(new ListDocumentClassifiersCommand(input), { abortSignal });
      models.push(...(page.DocumentClassifierPropertiesList ?? []).map(ofClassifier));
      NextToken = page.NextToken;
    } else {
      const page = await client.send(new ListEntityRecognizersCommand(input), { abortSignal });
      models.push(...(page.EntityRecognizerPropertiesList ?? []).map(ofRecognizer));
      NextToken = page.NextToken;
    }
  } while (NextToken !== undefined);
  return newestFirst(models);
}

async function describeModel(client: ComprehendClient, arn: string, abortSignal: AbortSignal): Promise<Model> {
  if (parseModelArn(arn)?.kind === "classifier") {
    const command = new DescribeDocumentClassifierCommand({ DocumentClassifierArn: arn });
    return ofClassifier((await client.send(command, { abortSignal })).DocumentClassifierProperties ?? {});
  }
  const command = new DescribeEntityRecognizerCommand({ EntityRecognizerArn: arn });
  return ofRecognizer((await client.send(command, { abortSignal })).EntityRecognizerProperties ?? {});
}

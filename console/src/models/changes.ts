import {
  type ComprehendClient,
  DeleteDocumentClassifierCommand,
  DeleteEntityRecognizerCommand,
  StopTrainingDocumentClassifierCommand,
  StopTrainingEntityRecognizerCommand,
} from "@aws-sdk/client-comprehend";
import type { Model } from "./model";

export async function stopTraining(client: ComprehendClient, { kind, arn }: Model): Promise<void> {
  if (kind === "classifier")
    await client.send(new StopTrainingDocumentClassifierCommand({ DocumentClassifierArn: arn }));
  else await client.send(new StopTrainingEntityRecognizerCommand({ EntityRecognizerArn: arn }));
}

export async function deleteModel(client: ComprehendClient, { kind, arn }: Model): Promise<void> {
  if (kind === "classifier") await client.send(new DeleteDocumentClassifierCommand({ DocumentClassifierArn: arn }));
  else await client.send(new DeleteEntityRecognizerCommand({ EntityRecognizerArn: arn }));
}

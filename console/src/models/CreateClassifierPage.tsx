import { CreateDocumentClassifierCommand, type CreateDocumentClassifierCommandInput } from "@aws-sdk/client-comprehend";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useComprehend } from "../api/comprehend";
import { ClassifierData } from "./ClassifierData";
import {
  classifierPlaces,
  classifierProblems,
  classifierRequest,
  emptyClassifier,
  keptClassifier,
} from "./classifierDraft";
import { MODEL_KINDS } from "./kinds";
import { startDraft } from "./startDraft";
import { TrainingForm } from "./TrainingForm";

export default function CreateClassifierPage() {
  const client = useComprehend();
  const [parameters] = useSearchParams();
  const [draft, setDraft] = useState(() => startDraft(keptClassifier, emptyClassifier, parameters));
  const request = classifierRequest(draft);
  return (
    <TrainingForm
      kind={MODEL_KINDS.classifier}
      title="Train a classifier"
      description="A classifier puts your own labels on documents. It learns from documents that have their labels."
      kept={keptClassifier}
      draft={draft}
      onChange={setDraft}
      problems={classifierProblems(draft)}
      request={request}
      places={classifierPlaces(draft)}
      create={async () => {
        const command = new CreateDocumentClassifierCommand(request as CreateDocumentClassifierCommandInput);
        return (await client.send(command)).DocumentClassifierArn ?? "";
      }}
    >
      {(section) => <ClassifierData {...section} />}
    </TrainingForm>
  );
}

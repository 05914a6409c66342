import { CreateDocumentClassifierCommand, type CreateDocumentClassifierCommandInput } from "@aws-sdk/client-comprehend";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { ClassifierData } from "./ClassifierData";
import {
  type ClassifierDraft,
  classifierPlaces,
  classifierProblems,
  classifierRequest,
  emptyClassifier,
  keptClassifier,
} from "./classifierDraft";
import { classifierDraftOf } from "./fromModel";
import { MODEL_KINDS } from "./kinds";
import { TrainingForm } from "./TrainingForm";
import { TrainingStart } from "./TrainingStart";

export default function CreateClassifierPage() {
  return (
    <TrainingStart kept={keptClassifier} empty={emptyClassifier} copyOf={classifierDraftOf}>
      {(start, left) => <ClassifierForm start={start} left={left} />}
    </TrainingStart>
  );
}

function ClassifierForm({ start, left }: { readonly start: ClassifierDraft; readonly left: boolean }) {
  const client = useComprehend();
  const [draft, setDraft] = useState(start);
  const request = classifierRequest(draft);
  return (
    <TrainingForm
      kind={MODEL_KINDS.classifier}
      title="Train a classifier"
      description="A classifier assigns your own labels to documents. It learns from labelled documents."
      kept={keptClassifier}
      left={left}
      empty={emptyClassifier}
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

import { CreateEntityRecognizerCommand, type CreateEntityRecognizerCommandInput } from "@aws-sdk/client-comprehend";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { recognizerDraftOf } from "./fromModel";
import { MODEL_KINDS } from "./kinds";
import { RecognizerData } from "./RecognizerData";
import {
  emptyRecognizer,
  keptRecognizer,
  type RecognizerDraft,
  recognizerPlaces,
  recognizerProblems,
  recognizerRequest,
} from "./recognizerDraft";
import { TrainingForm } from "./TrainingForm";
import { TrainingStart } from "./TrainingStart";

export default function CreateRecognizerPage() {
  return (
    <TrainingStart kept={keptRecognizer} empty={emptyRecognizer} copyOf={recognizerDraftOf}>
      {(start, left) => <RecognizerForm start={start} left={left} />}
    </TrainingStart>
  );
}

function RecognizerForm({ start, left }: { readonly start: RecognizerDraft; readonly left: boolean }) {
  const client = useComprehend();
  const [draft, setDraft] = useState(start);
  const request = recognizerRequest(draft);
  return (
    <TrainingForm
      kind={MODEL_KINDS.recognizer}
      title="Train an entity recognizer"
      description="A recognizer finds your own types of entities. It learns from documents in which they are marked."
      kept={keptRecognizer}
      left={left}
      empty={emptyRecognizer}
      draft={draft}
      onChange={setDraft}
      problems={recognizerProblems(draft)}
      request={request}
      places={recognizerPlaces(draft)}
      create={async () => {
        const command = new CreateEntityRecognizerCommand(request as CreateEntityRecognizerCommandInput);
        return (await client.send(command)).EntityRecognizerArn ?? "";
      }}
    >
      {(section) => <RecognizerData {...section} />}
    </TrainingForm>
  );
}

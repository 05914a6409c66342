import { CreateEntityRecognizerCommand, type CreateEntityRecognizerCommandInput } from "@aws-sdk/client-comprehend";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useComprehend } from "../api/comprehend";
import { MODEL_KINDS } from "./kinds";
import { RecognizerData } from "./RecognizerData";
import {
  emptyRecognizer,
  keptRecognizer,
  recognizerPlaces,
  recognizerProblems,
  recognizerRequest,
} from "./recognizerDraft";
import { startDraft } from "./startDraft";
import { TrainingForm } from "./TrainingForm";

export default function CreateRecognizerPage() {
  const client = useComprehend();
  const [parameters] = useSearchParams();
  const [draft, setDraft] = useState(() => startDraft(keptRecognizer, emptyRecognizer, parameters));
  const request = recognizerRequest(draft);
  return (
    <TrainingForm
      kind={MODEL_KINDS.recognizer}
      title="Train an entity recognizer"
      description="A recognizer finds your own types of entities. It learns from documents in which they are known."
      kept={keptRecognizer}
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

import { CreateEndpointCommand, DeleteEndpointCommand, UpdateEndpointCommand } from "@aws-sdk/client-comprehend";
import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { ConfirmModal } from "../components/ConfirmModal";
import { FormModal } from "../components/FormModal";
import { useNotices } from "../components/Notifications";
import { type Endpoint, nameProblem, unitsProblem } from "./endpoint";
import { ModelSelect } from "./ModelSelect";
import { ENDPOINTS_KEY } from "./queries";
import { UnitsField } from "./UnitsField";

export type Dialog = "create" | "update" | "delete";

interface Props {
  readonly dialog: Dialog | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly onDismiss: () => void;
}

/** The dialogs that create, update and delete a model endpoint. */
export function EndpointDialogs({ dialog, endpoint, onDismiss }: Props) {
  const notices = useNotices();
  const queries = useQueryClient();
  const done = async (text: string): Promise<void> => {
    onDismiss();
    notices.success(text);
    await queries.invalidateQueries({ queryKey: ENDPOINTS_KEY });
  };
  if (dialog === "create") return <CreateEndpoint onDismiss={onDismiss} onDone={done} />;
  if (endpoint === undefined || dialog === undefined) return null;
  const Modal = dialog === "update" ? UpdateEndpoint : DeleteEndpoint;
  return <Modal endpoint={endpoint} onDismiss={onDismiss} onDone={done} />;
}

interface ModalProps {
  readonly onDismiss: () => void;
  readonly onDone: (text: string) => Promise<void>;
}

function CreateEndpoint({ onDismiss, onDone }: ModalProps) {
  const client = useComprehend();
  const [name, setName] = useState("");
  const [model, setModel] = useState<string>();
  const [units, setUnits] = useState("1");
  const [tried, setTried] = useState(false);
  const problems = [nameProblem(name), model === undefined ? "Choose a model." : undefined, unitsProblem(units)];
  const [ofName, ofModel, ofUnits] = tried ? problems : [];
  return (
    <FormModal
      title="Create a model endpoint"
      action="Create"
      what="The endpoint cannot be created"
      check={() => {
        setTried(true);
        return problems.every((problem) => problem === undefined);
      }}
      onSubmit={async () => {
        await client.send(
          new CreateEndpointCommand({ EndpointName: name, ModelArn: model, DesiredInferenceUnits: Number(units) }),
        );
        await onDone(`The endpoint ${name} is being created.`);
      }}
      onDismiss={onDismiss}
    >
      <FormField label="Endpoint name" errorText={ofName} stretch>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} autoComplete={false} />
      </FormField>
      <ModelSelect value={model} onChange={setModel} problem={ofModel} />
      <UnitsField value={units} onChange={setUnits} problem={ofUnits} />
    </FormModal>
  );
}

function UpdateEndpoint({ endpoint, onDismiss, onDone }: ModalProps & { readonly endpoint: Endpoint }) {
  const client = useComprehend();
  const [model, setModel] = useState(endpoint.desiredModel);
  const [units, setUnits] = useState(String(endpoint.desiredUnits));
  const problem = unitsProblem(units);
  const changes = {
    ...(model !== endpoint.desiredModel && { DesiredModelArn: model }),
    ...(units !== String(endpoint.desiredUnits) && { DesiredInferenceUnits: Number(units) }),
  };
  return (
    <FormModal
      title={`Update ${endpoint.name}`}
      action="Update"
      what="The endpoint cannot be updated"
      disabled={problem !== undefined || Object.keys(changes).length === 0}
      onSubmit={async () => {
        await client.send(new UpdateEndpointCommand({ EndpointArn: endpoint.arn, ...changes }));
        await onDone(`The endpoint ${endpoint.name} is being updated.`);
      }}
      onDismiss={onDismiss}
    >
      <Box variant="p">The endpoint answers with what it has until the change is made. No call fails meanwhile.</Box>
      <ModelSelect kind={endpoint.kind} value={model} onChange={setModel} problem={undefined} />
      <UnitsField value={units} onChange={setUnits} problem={problem} />
    </FormModal>
  );
}

function DeleteEndpoint({ endpoint, onDismiss, onDone }: ModalProps & { readonly endpoint: Endpoint }) {
  const client = useComprehend();
  return (
    <ConfirmModal
      title="Delete the endpoint?"
      action="Delete"
      typed={endpoint.name}
      onDismiss={onDismiss}
      onConfirm={async () => {
        await client.send(new DeleteEndpointCommand({ EndpointArn: endpoint.arn }));
        await onDone(`The endpoint ${endpoint.name} is being deleted.`);
      }}
    >
      <Box variant="p">
        Calls to <b>{endpoint.name}</b> fail from then on. Its model stays.
      </Box>
    </ConfirmModal>
  );
}

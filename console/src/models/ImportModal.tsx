import { ImportModelCommand } from "@aws-sdk/client-comprehend";
import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { FormModal } from "../components/FormModal";
import { type ImportDraft, importProblems, importRequest } from "./importRequest";

interface Props {
  /** The model to copy, if the dialog is opened from its page. */
  readonly source?: string;
  readonly onDismiss: () => void;
  readonly onImported: (arn: string) => void;
}

/** Copies a model of this account, or of another account that allows it. */
export function ImportModal({ source = "", onDismiss, onImported }: Props) {
  const client = useComprehend();
  const queries = useQueryClient();
  const [draft, setDraft] = useState<ImportDraft>({ source, name: "", version: "" });
  const [tried, setTried] = useState(false);
  const problems = importProblems(draft);
  const field = (key: keyof ImportDraft, label: string, description: string) => (
    <FormField label={label} description={description} errorText={tried && problems[key]} stretch>
      <Input
        value={draft[key]}
        onChange={({ detail }) => setDraft((known) => ({ ...known, [key]: detail.value }))}
        spellcheck={false}
        autoComplete={false}
      />
    </FormField>
  );
  return (
    <FormModal
      title="Import a model"
      action="Import"
      what="The model cannot be imported"
      check={() => {
        setTried(true);
        return Object.values(problems).every((problem) => problem === undefined);
      }}
      onSubmit={async () => {
        const { ModelArn = "" } = await client.send(new ImportModelCommand(importRequest(draft)));
        await queries.invalidateQueries({ queryKey: ["comprehend"] });
        onImported(ModelArn);
      }}
      onDismiss={onDismiss}
    >
      <Box variant="p">
        The copy has its own name and is independent of the original. A model of another account needs a policy that
        allows you comprehend:ImportModel.
      </Box>
      {field("source", "Source model ARN", "A trained model in this region.")}
      {field("name", "Model name - optional", "By default the name of the source.")}
      {field("version", "Version name - optional", "Name and version together must be new in this account.")}
    </FormModal>
  );
}

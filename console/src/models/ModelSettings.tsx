import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { languageName, MODEL_LANGUAGES } from "../components/languages";
import { EncryptionField } from "../create/parts/EncryptionField";
import type { SectionProps } from "./TrainingForm";
import type { TrainingDraft } from "./training";

const LANGUAGES = MODEL_LANGUAGES.map((code) => ({ value: code, label: languageName(code) }));

/** The section "Model settings" of both forms. */
export function ModelSettings({ draft, change, problems }: SectionProps<TrainingDraft>) {
  return (
    <Container header={<Header variant="h2">Model settings</Header>}>
      <SpaceBetween size="l">
        <FormField
          label="Model name"
          description="Letters, digits and hyphens, at most 63."
          errorText={problems["name"]}
        >
          <Input
            value={draft.name}
            ariaRequired
            autoComplete={false}
            spellcheck={false}
            onChange={({ detail }) => change({ name: detail.value })}
          />
        </FormField>
        <FormField
          label="Version name - optional"
          description="Name and version together must be new. A name can have many versions."
          errorText={problems["version"]}
        >
          <Input
            value={draft.version}
            autoComplete={false}
            spellcheck={false}
            onChange={({ detail }) => change({ version: detail.value })}
          />
        </FormField>
        <FormField label="Language" description="The language of the training documents.">
          <Select
            options={LANGUAGES}
            selectedOption={LANGUAGES.find(({ value }) => value === draft.language) ?? null}
            onChange={({ detail }) => change({ language: detail.selectedOption.value ?? "en" })}
          />
        </FormField>
        <EncryptionField
          label="Model encryption"
          value={draft.modelKey}
          onChange={(modelKey) => change({ modelKey })}
        />
        <EncryptionField
          label="Training encryption"
          value={draft.volumeKey}
          onChange={(volumeKey) => change({ volumeKey })}
        />
      </SpaceBetween>
    </Container>
  );
}

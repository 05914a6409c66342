import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { languageName } from "../components/languages";
import { ANALYSIS_TYPES, type AnalysisType } from "./analysisTypes";
import type { Draft } from "./draft";
import { EventTypesField } from "./EventTypesField";
import { ModelField } from "./ModelField";
import { ProfileField } from "./ProfileField";
import { EncryptionField } from "./parts/EncryptionField";
import { RedactionFields } from "./RedactionFields";
import type { Errors } from "./validate";

export interface SectionProps {
  readonly draft: Draft;
  readonly type: AnalysisType;
  readonly errors: Errors;
  readonly onChange: (change: Partial<Draft>) => void;
}

const TYPE_OPTIONS: SelectProps.OptionGroup[] = (["Built-in", "Custom"] as const).map((group) => ({
  label: group,
  options: ANALYSIS_TYPES.filter((type) => type.group === group).map(({ id, label, description }) => ({
    value: id,
    label,
    description,
  })),
}));

export function JobSettings({ draft, type, errors, onChange }: SectionProps) {
  return (
    <Container header={<Header variant="h2">Job settings</Header>}>
      <SpaceBetween size="l">
        <FormField
          label="Name - optional"
          constraintText="Up to 256 letters, digits, spaces and _.:/=+-%@."
          errorText={errors.name}
        >
          <Input value={draft.name} autoComplete={false} onChange={({ detail }) => onChange({ name: detail.value })} />
        </FormField>
        <FormField label="Analysis type" description={type.description} errorText={errors.type}>
          <Select
            selectedOption={{ value: type.id, label: type.label }}
            options={TYPE_OPTIONS}
            onChange={({ detail }) => onChange(changeOfType(detail.selectedOption.value ?? "", draft))}
          />
        </FormField>
        {type.model !== undefined && (
          <ModelField
            kind={type.model}
            value={draft.modelArn}
            errorText={errors.model}
            onChange={({ arn, language }) =>
              onChange({ modelArn: arn, ...(type.languages.includes(language ?? "") && { language }) })
            }
          />
        )}
        {type.languages.length > 0 && <LanguageField {...{ draft, type, errors, onChange }} />}
        {type.hasTopics && (
          <FormField
            label="Number of topics"
            description="How many topics the collection is divided into."
            constraintText="A whole number from 1 to 100."
            errorText={errors.topics}
          >
            <Input
              type="number"
              inputMode="numeric"
              step={1}
              value={draft.topics}
              onChange={({ detail }) => onChange({ topics: detail.value })}
            />
          </FormField>
        )}
        {type.kind.eventTypes && (
          <EventTypesField
            all={type.kind.eventTypes}
            value={draft.eventTypes}
            onChange={(eventTypes) => onChange({ eventTypes })}
          />
        )}
        {type.kind.redacts && (
          <RedactionFields value={draft.redaction} onChange={(redaction) => onChange({ redaction })} />
        )}
        {type.kind.redacts && (
          <ProfileField language={draft.language} tags={draft.tags} onChange={(tags) => onChange({ tags })} />
        )}
        {!type.kind.vpcTag && (
          <EncryptionField
            label="Job encryption"
            value={draft.volumeKey}
            onChange={(volumeKey) => onChange({ volumeKey })}
          />
        )}
      </SpaceBetween>
    </Container>
  );
}

function LanguageField({ draft, type, errors, onChange }: SectionProps) {
  const options: SelectProps.Option[] = type.languages.map((code) => ({
    value: code,
    label: languageName(code),
    ...(!type.served.includes(code) && {
      disabled: true,
      disabledReason: "Reading Room has no engine for this language.",
    }),
  }));
  return (
    <FormField
      label="Language"
      description={
        type.model === "recognizer"
          ? "The API requires it. A recognizer works in the language that it was trained in."
          : "The language that the documents are written in."
      }
      errorText={errors.language}
    >
      <Select
        selectedOption={options.find(({ value }) => value === draft.language) ?? null}
        options={options}
        placeholder="Choose a language"
        onChange={({ detail }) => onChange({ language: detail.selectedOption.value ?? "" })}
      />
    </FormField>
  );
}

/** Set another type, and remove a model of the other kind. */
function changeOfType(id: string, draft: Draft): Partial<Draft> {
  const before = ANALYSIS_TYPES.find((type) => type.id === draft.type)?.model;
  const after = ANALYSIS_TYPES.find((type) => type.id === id)?.model;
  return { type: id, ...(before !== after && { modelArn: "" }) };
}

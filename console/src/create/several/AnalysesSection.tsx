import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { LANGUAGE_CODES, languageName } from "../../components/languages";
import type { ModelKindId } from "../../models/kinds";
import type { Draft } from "../draft";
import { ModelField } from "../ModelField";
import type { SeveralDraft, SeveralErrors, Work } from "./draft";
import { KindsField } from "./KindsField";

interface Props {
  readonly several: SeveralDraft;
  readonly work: readonly Work[];
  readonly errors: SeveralErrors;
  readonly onCommon: (change: Partial<Draft>) => void;
  readonly onChange: (change: Partial<SeveralDraft>) => void;
}

const LANGUAGES: readonly SelectProps.Option[] = LANGUAGE_CODES.map((code) => ({
  value: code,
  label: languageName(code),
}));

/** What is to be found: the language, the analyses, and what some of them need. */
export function AnalysesSection({ several, work, errors, onCommon, onChange }: Props) {
  const { common, chosen, models } = several;
  const needed = [...new Set(work.flatMap(({ type }) => type.model ?? []))];
  const model = (kind: ModelKindId, arn: string): void => onChange({ models: { ...models, [kind]: arn } });
  return (
    <Container header={<Header variant="h2">Analyses</Header>}>
      <SpaceBetween size="l">
        <FormField
          label="Name - optional"
          description="The name of each job is this with its analysis: speeches-entities."
          errorText={errors.fields.name}
        >
          <Input value={common.name} autoComplete={false} onChange={({ detail }) => onCommon({ name: detail.value })} />
        </FormField>
        <FormField
          label="Language"
          description="The language that the documents are written in."
          errorText={errors.fields.language}
        >
          <Select
            selectedOption={LANGUAGES.find(({ value }) => value === common.language) ?? null}
            options={LANGUAGES}
            onChange={({ detail }) => onCommon({ language: detail.selectedOption.value ?? "" })}
          />
        </FormField>
        <KindsField
          chosen={chosen}
          language={common.language}
          errorText={errors.kinds}
          onChange={(kinds) => onChange({ chosen: kinds })}
        />
        {needed.map((kind) => (
          <ModelField
            key={kind}
            kind={kind}
            value={models[kind]}
            errorText={errors.models[kind]}
            onChange={({ arn }) => model(kind, arn)}
          />
        ))}
        {work.some(({ type }) => type.hasTopics) && (
          <FormField
            label="Number of topics"
            constraintText="A whole number from 1 to 100."
            errorText={errors.fields.topics}
          >
            <Input
              type="number"
              inputMode="numeric"
              step={1}
              value={common.topics}
              onChange={({ detail }) => onCommon({ topics: detail.value })}
            />
          </FormField>
        )}
      </SpaceBetween>
    </Container>
  );
}

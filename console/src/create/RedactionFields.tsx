import { PiiEntityType } from "@aws-sdk/client-comprehend";
import FormField from "@cloudscape-design/components/form-field";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { MASK_CHARACTERS, type RedactionValue } from "./redaction";

const MODES: readonly SelectProps.Option[] = [
  {
    value: "ONLY_OFFSETS",
    label: "Where personal data is",
    description: "The place, the type and the score of each finding, without its text.",
  },
  { value: "ONLY_REDACTION", label: "Redacted copies", description: "Each document with its personal data replaced." },
];
const MASKS: readonly SelectProps.Option[] = [
  { value: "MASK", label: "A character", description: "Each character of a finding is replaced: **** *****" },
  {
    value: "REPLACE_WITH_PII_ENTITY_TYPE",
    label: "The type",
    description: "A finding is replaced by its type: [NAME]",
  },
];
const CHARACTERS: readonly SelectProps.Option[] = MASK_CHARACTERS.map((value) => ({ value, label: value }));
const TYPES: readonly SelectProps.Option[] = Object.values(PiiEntityType)
  .filter((type) => type !== "ALL")
  .sort()
  .map((value) => ({ value, label: value }));

interface Props {
  readonly value: RedactionValue;
  readonly onChange: (value: RedactionValue) => void;
}

/** What a job for personal data writes. */
export function RedactionFields({ value, onChange }: Props) {
  const change = (part: Partial<RedactionValue>): void => onChange({ ...value, ...part });
  const chosen = (options: readonly SelectProps.Option[], id: string) =>
    options.find((option) => option.value === id) ?? null;
  return (
    <SpaceBetween size="l">
      <FormField label="Output mode">
        <Select
          selectedOption={chosen(MODES, value.mode)}
          options={MODES}
          onChange={({ detail }) => change({ mode: detail.selectedOption.value as RedactionValue["mode"] })}
        />
      </FormField>
      {value.mode === "ONLY_REDACTION" && (
        <>
          <FormField label="Types to redact" description="All types, if you choose none.">
            <Multiselect
              selectedOptions={TYPES.filter((option) => value.types.includes(option.value ?? ""))}
              options={TYPES}
              placeholder="All types"
              filteringType="auto"
              onChange={({ detail }) => change({ types: detail.selectedOptions.map((option) => option.value ?? "") })}
            />
          </FormField>
          <FormField label="Replace with">
            <Select
              selectedOption={chosen(MASKS, value.maskMode)}
              options={MASKS}
              onChange={({ detail }) => change({ maskMode: detail.selectedOption.value as RedactionValue["maskMode"] })}
            />
          </FormField>
          {value.maskMode === "MASK" && (
            <FormField label="Mask character">
              <Select
                selectedOption={chosen(CHARACTERS, value.character)}
                options={CHARACTERS}
                onChange={({ detail }) => change({ character: detail.selectedOption.value ?? "*" })}
              />
            </FormField>
          )}
        </>
      )}
    </SpaceBetween>
  );
}

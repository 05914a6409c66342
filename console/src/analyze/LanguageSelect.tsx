import FormField from "@cloudscape-design/components/form-field";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import { LANGUAGE_CODES, languageName } from "../components/languages";
import type { Kind } from "./kinds";

interface Props {
  readonly kind: Kind;
  /** ``undefined`` to detect the language. */
  readonly value: string | undefined;
  readonly onChange: (language: string | undefined) => void;
  /** Whether detection can be chosen. */
  readonly detect: boolean;
}

/** A choice of the language of a text. The languages that the shown kind supports are marked. */
export function LanguageSelect({ kind, value, onChange, detect }: Props) {
  const options: SelectProps.Option[] = LANGUAGE_CODES.map((code) => ({
    value: code,
    label: languageName(code),
    ...(kind.languages !== undefined &&
      !kind.languages.includes(code) && { labelTag: `no ${kind.label.toLowerCase()}` }),
  }));
  if (detect) options.unshift({ value: "detect", label: "Detect the language" });
  const selected = options.find((option) => option.value === (value ?? "detect")) ?? null;
  return (
    <FormField label="Language" description="The kind of analysis.">
      <Select
        options={options}
        selectedOption={selected}
        onChange={({ detail }) => {
          const chosen = detail.selectedOption.value;
          onChange(chosen === "detect" ? undefined : chosen);
        }}
        filteringType="auto"
        filteringAriaLabel="Filter languages"
      />
    </FormField>
  );
}

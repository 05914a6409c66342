import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { DEFAULT_DELIMITER, DELIMITERS, delimiterName } from "./classifierDraft";

const OPTIONS = Array.from(DELIMITERS).map((value) => ({ value, label: delimiterName(value) }));

interface Props {
  readonly value: string;
  readonly onChange: (delimiter: string) => void;
}

/** The character between the labels of a document in a CSV file. */
export function DelimiterField({ value, onChange }: Props) {
  return (
    <FormField
      label="Delimiter for labels"
      description="The character between several labels of one document. With a wrong one, they are read as one long label."
    >
      <Select
        options={OPTIONS}
        selectedOption={OPTIONS.find((option) => option.value === value) ?? null}
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? DEFAULT_DELIMITER)}
      />
    </FormField>
  );
}

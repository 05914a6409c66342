import FormField from "@cloudscape-design/components/form-field";
import Multiselect from "@cloudscape-design/components/multiselect";

interface Props {
  readonly all: readonly string[];
  readonly value: readonly string[];
  readonly onChange: (value: readonly string[]) => void;
}

/** The types of events that a job finds. */
export function EventTypesField({ all, value, onChange }: Props) {
  const options = all.map((type) => ({ value: type, label: type }));
  return (
    <FormField label="Target event types" description="All types, if you choose none.">
      <Multiselect
        selectedOptions={options.filter((option) => value.includes(option.value))}
        options={options}
        placeholder="All types"
        filteringType="auto"
        onChange={({ detail }) => onChange(detail.selectedOptions.map((option) => option.value ?? ""))}
      />
    </FormField>
  );
}

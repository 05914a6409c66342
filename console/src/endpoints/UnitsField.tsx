import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";

interface Props {
  readonly value: string;
  readonly onChange: (units: string) => void;
  readonly problem: string | undefined;
}

/** A number of inference units. */
export function UnitsField({ value, onChange, problem }: Props) {
  return (
    <FormField
      label="Inference units"
      description="One unit analyzes 100 characters a second. Calls above that are throttled."
      errorText={problem}
    >
      <Input
        value={value}
        onChange={({ detail }) => onChange(detail.value)}
        inputMode="numeric"
        spellcheck={false}
        autoComplete={false}
      />
    </FormField>
  );
}

import FormField from "@cloudscape-design/components/form-field";
import RadioGroup from "@cloudscape-design/components/radio-group";
import type { DataFormat } from "./training";

interface DataFormatProps {
  readonly value: DataFormat;
  readonly onChange: (format: DataFormat) => void;
  /** What a CSV file has, for this type of model. */
  readonly csv: string;
}

export function DataFormatField({ value, onChange, csv }: DataFormatProps) {
  return (
    <FormField label="Data format">
      <RadioGroup
        value={value}
        onChange={({ detail }) => onChange(detail.value as DataFormat)}
        items={[
          { value: "COMPREHEND_CSV", label: "CSV file", description: csv },
          {
            value: "AUGMENTED_MANIFEST",
            label: "Augmented manifest",
            description: "JSON lines with labels, as SageMaker Ground Truth writes them.",
          },
        ]}
      />
    </FormField>
  );
}

interface TestProps {
  readonly value: boolean;
  readonly onChange: (own: boolean) => void;
}

export function TestField({ value, onChange }: TestProps) {
  return (
    <FormField label="Test data">
      <RadioGroup
        value={value ? "own" : "autosplit"}
        onChange={({ detail }) => onChange(detail.value === "own")}
        items={[
          {
            value: "autosplit",
            label: "Autosplit",
            description: "A tenth of the training documents is held back and used for the test.",
          },
          { value: "own", label: "Customer provided", description: "You give test documents of your own." },
        ]}
      />
    </FormField>
  );
}

import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import type { EncryptionValue } from "./encryption";

interface Props {
  /** What is encrypted: "Job encryption". */
  readonly label: string;
  readonly description: string;
  readonly value: EncryptionValue;
  readonly onChange: (value: EncryptionValue) => void;
  readonly errorText?: string | undefined;
}

/** A key of AWS KMS for something, off unless asked for. */
export function EncryptionField({ label, description, value, onChange, errorText }: Props) {
  return (
    <SpaceBetween size="s">
      <FormField label={label} description={description}>
        <Toggle checked={value.on} onChange={({ detail }) => onChange({ ...value, on: detail.checked })}>
          Use a KMS key
        </Toggle>
      </FormField>
      {value.on && (
        <SpaceBetween size="s">
          <Alert type="warning" header="There is no key service here">
            Reading Room has no KMS, so no key exists, and the API answers KmsKeyValidationException to any. Switch it
            off, or use the request below with AWS.
          </Alert>
          <FormField label={`${label}: key id or ARN`} errorText={errorText} stretch>
            <Input
              value={value.keyId}
              autoComplete={false}
              spellcheck={false}
              onChange={({ detail }) => onChange({ ...value, keyId: detail.value })}
            />
          </FormField>
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}

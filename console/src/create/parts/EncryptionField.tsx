import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import type { EncryptionValue } from "./encryption";

interface Props {
  /** What is encrypted: "Job encryption". */
  readonly label: string;
  readonly value: EncryptionValue;
  readonly onChange: (value: EncryptionValue) => void;
}

/** The AWS KMS key of a copied request. There are no keys to choose from here, so it can only be removed. */
export function EncryptionField({ label, value, onChange }: Props) {
  if (!value.on) return null;
  return (
    <Alert
      type="warning"
      header={`${label}: the copied request has a KMS key`}
      action={
        <Button formAction="none" onClick={() => onChange({ on: false, keyId: "" })}>
          Remove the key
        </Button>
      }
    >
      Reading Room has no key service, so it refuses any key: <span className="mono">{value.keyId}</span>
    </Alert>
  );
}

import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import type { EncryptionValue } from "./encryption";

interface Props {
  /** What is encrypted: "Job encryption". */
  readonly label: string;
  readonly value: EncryptionValue;
  readonly onChange: (value: EncryptionValue) => void;
}

/** The key of AWS KMS that a copied request has: there is none here to choose, so it is not offered. */
export function EncryptionField({ label, value, onChange }: Props) {
  if (!value.on) return null;
  return (
    <Alert
      type="warning"
      header={`${label}: the copied request has a KMS key`}
      action={
        <Button formAction="none" onClick={() => onChange({ on: false, keyId: "" })}>
          Leave the key out
        </Button>
      }
    >
      Reading Room has no key service, so it refuses any key: <span className="mono">{value.keyId}</span>
    </Alert>
  );
}

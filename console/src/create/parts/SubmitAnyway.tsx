import Box from "@cloudscape-design/components/box";
import { ConfirmModal } from "../../components/ConfirmModal";
import { type Check, checkLabel } from "./preflight";

interface Props {
  /** The checks that failed. */
  readonly failed: readonly Check[];
  /** The label of the form's button: "Create job". */
  readonly action: string;
  readonly onConfirm: () => Promise<void>;
  readonly onDismiss: () => void;
}

/** A dialog that asks before sending a request that the preflight expects to fail. */
export function SubmitAnyway({ failed, action, onConfirm, onDismiss }: Props) {
  return (
    <ConfirmModal
      title="The preflight expects it to fail"
      action={`${action} anyway`}
      onConfirm={onConfirm}
      onDismiss={onDismiss}
    >
      <Box variant="p">The checks below failed. Cancel to see in the form what to change.</Box>
      <ul>
        {failed.map((check) => (
          <li key={check.Name}>
            <b>{checkLabel(check.Name)}:</b> {check.Message}
          </li>
        ))}
      </ul>
    </ConfirmModal>
  );
}

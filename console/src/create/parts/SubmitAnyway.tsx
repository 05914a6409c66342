import Box from "@cloudscape-design/components/box";
import { ConfirmModal } from "../../components/ConfirmModal";
import { type Check, checkLabel } from "./preflight";

interface Props {
  /** The checks that failed. */
  readonly failed: readonly Check[];
  /** What the form's own button says: "Create job". */
  readonly action: string;
  readonly onConfirm: () => Promise<void>;
  readonly onDismiss: () => void;
}

/** The question before something is sent that the preflight expects to fail. */
export function SubmitAnyway({ failed, action, onConfirm, onDismiss }: Props) {
  return (
    <ConfirmModal
      title="The preflight expects it to fail"
      action={`${action} all the same`}
      onConfirm={onConfirm}
      onDismiss={onDismiss}
    >
      <Box variant="p">What is said below stands in the way. Cancel, and the form says what to change.</Box>
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

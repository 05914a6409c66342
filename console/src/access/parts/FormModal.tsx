import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useAttempt } from "../../components/useAttempt";

interface Props {
  readonly title: string;
  readonly action: string;
  /** What failed, as a sentence's start: "The user cannot be created". */
  readonly what: string;
  readonly disabled?: boolean;
  readonly size?: "medium" | "large" | "max";
  readonly children: ReactNode;
  /** Does it, and closes the dialog; what it throws is shown, and the dialog stays with what was filled in. */
  readonly onSubmit: () => Promise<void>;
  readonly onDismiss: () => void;
}

/** A form in a dialog. */
export function FormModal(props: Props) {
  const { title, action, what, disabled = false, size = "medium", children, onSubmit, onDismiss } = props;
  const { busy, error, attempt } = useAttempt();
  return (
    <Modal
      visible
      size={size}
      header={title}
      closeAriaLabel="Close"
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} disabled={disabled} onClick={() => void attempt(onSubmit)}>
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {children}
        {error !== undefined && <ErrorAlert what={what} error={error} />}
      </SpaceBetween>
    </Modal>
  );
}

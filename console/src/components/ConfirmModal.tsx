import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";
import { readError } from "../api/errors";
import { useAttempt } from "./useAttempt";
import { useFirstField } from "./useFirstField";

interface Props {
  readonly title: string;
  readonly action: string;
  readonly children: ReactNode;
  /** What must be typed before the action is possible; for actions that cannot be undone. */
  readonly typed?: string;
  /** Whether the action is impossible, for a reason that the dialog gives. */
  readonly disabled?: boolean;
  /** Performs the action. An error is shown, and the dialog stays open. */
  readonly onConfirm: () => Promise<void>;
  readonly onDismiss: () => void;
}

/** A dialog that asks before a change that cannot be undone. */
export function ConfirmModal({ title, action, children, typed, disabled = false, onConfirm, onDismiss }: Props) {
  const [text, setText] = useState("");
  const { busy, error, attempt } = useAttempt();
  const fields = useFirstField();
  const readable = error === undefined ? undefined : readError(error);
  return (
    <Modal
      visible
      header={title}
      onDismiss={onDismiss}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button
              variant="primary"
              loading={busy}
              disabled={disabled || (typed !== undefined && text !== typed)}
              onClick={() => void attempt(onConfirm)}
            >
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <div ref={fields}>
        <SpaceBetween size="m">
          {children}
          {typed !== undefined && (
            <FormField label={`Type ${typed} to confirm`}>
              <Input value={text} onChange={({ detail }) => setText(detail.value)} autoComplete={false} />
            </FormField>
          )}
          {readable && (
            <Alert type="error" header={readable.code}>
              {readable.message} {readable.advice}
            </Alert>
          )}
        </SpaceBetween>
      </div>
    </Modal>
  );
}

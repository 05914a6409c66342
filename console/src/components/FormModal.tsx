import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { ErrorAlert } from "./ErrorAlert";
import { useAttempt } from "./useAttempt";
import { useFirstField } from "./useFirstField";

interface Props {
  readonly title: string;
  readonly action: string;
  /** What failed, as the start of a sentence: "The user cannot be created". */
  readonly what: string;
  readonly disabled?: boolean;
  readonly size?: "medium" | "large" | "max";
  /** Whether the Enter key sends the form. Buttons in it must then have ``formAction="none"``. */
  readonly sentByEnter?: boolean;
  readonly children: ReactNode;
  /** Whether the form can be sent as it is filled in; called when it is submitted. */
  readonly check?: () => boolean;
  /** Performs the action and closes the dialog. An error is shown, and the dialog stays open as filled in. */
  readonly onSubmit: () => Promise<void>;
  readonly onDismiss: () => void;
}

/** A form in a dialog. */
export function FormModal(props: Props) {
  const { title, action, what, disabled = false, size = "medium", children, onSubmit, onDismiss } = props;
  const { busy, error, attempt } = useAttempt();
  const submit = (): void => {
    if (!disabled && !busy && (props.check?.() ?? true)) void attempt(onSubmit);
  };
  const fields = useFirstField();
  const content = (
    <div ref={fields}>
      <SpaceBetween size="m">
        {children}
        {error !== undefined && <ErrorAlert what={what} error={error} here />}
      </SpaceBetween>
    </div>
  );
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
            <Button variant="primary" loading={busy} disabled={disabled} onClick={submit}>
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      {props.sentByEnter ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          {content}
          {/* A form with several fields is sent by the Enter key only if it has such a button. */}
          <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
        </form>
      ) : (
        content
      )}
    </Modal>
  );
}

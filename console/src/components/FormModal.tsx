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
  /** What failed, as a sentence's start: "The user cannot be created". */
  readonly what: string;
  readonly disabled?: boolean;
  readonly size?: "medium" | "large" | "max";
  /** Whether the Enter key sends the form. Buttons in it must then have ``formAction="none"``. */
  readonly sentByEnter?: boolean;
  readonly children: ReactNode;
  /** Whether what is filled in can be sent; asked when it is to be. */
  readonly check?: () => boolean;
  /** Does it, and closes the dialog; what it throws is shown, and the dialog stays with what was filled in. */
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

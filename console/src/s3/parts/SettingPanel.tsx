import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { type ReactNode, useState } from "react";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useAttempt } from "../../components/useAttempt";

interface Props {
  readonly title: string;
  readonly description: string;
  /** The noun for the setting: "bucket policy". */
  readonly noun: string;
  readonly loading: boolean;
  readonly readError: unknown;
  readonly exists: boolean;
  readonly changed: boolean;
  readonly sendable: boolean;
  readonly onDiscard: () => void;
  readonly onSave: () => Promise<void>;
  readonly onDelete: () => Promise<void>;
  /** The consequences of deleting it. */
  readonly warning: string;
  readonly children: ReactNode;
}

/** A setting of a bucket that is a text, which can be edited, saved and deleted. */
export function SettingPanel(props: Props) {
  const { title, noun, exists, changed, sendable, children } = props;
  const { busy, error, attempt } = useAttempt();
  const [deleting, setDeleting] = useState(false);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={props.description}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={!exists} onClick={() => setDeleting(true)}>
                Delete
              </Button>
              <Button disabled={!changed} onClick={props.onDiscard}>
                Discard
              </Button>
              <Button
                variant="primary"
                disabled={!changed || !sendable}
                loading={busy}
                onClick={() => void attempt(props.onSave)}
              >
                Save
              </Button>
            </SpaceBetween>
          }
        >
          {title}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {props.loading && (
          <Box>
            <Spinner /> Loading
          </Box>
        )}
        {props.readError != null && <ErrorAlert what={`The ${noun} cannot be read`} error={props.readError} />}
        {children}
        {error !== undefined && <ErrorAlert what={`The ${noun} cannot be saved`} error={error} />}
      </SpaceBetween>
      {deleting && (
        <ConfirmModal
          title={`Delete ${noun}`}
          action="Delete"
          onDismiss={() => setDeleting(false)}
          onConfirm={async () => {
            await props.onDelete();
            setDeleting(false);
          }}
        >
          {props.warning}
        </ConfirmModal>
      )}
    </Container>
  );
}

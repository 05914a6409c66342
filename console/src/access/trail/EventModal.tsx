import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { formatTime } from "../../components/format";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import { RouterLink } from "../../components/RouterLink";
import { isDenial, type TrailEvent } from "./events";

const ignore = (): void => undefined;

/** A complete event. */
export function EventModal({ event, onDismiss }: { readonly event: TrailEvent; readonly onDismiss: () => void }) {
  return (
    <Modal
      visible
      size="large"
      header={`${event.name} of ${formatTime(event.at)}`}
      closeAriaLabel="Close"
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <CopyToClipboard
              copyButtonText="Copy JSON"
              textToCopy={event.text}
              copySuccessText="Copied"
              copyErrorText="Not copied: select the text and copy it"
            />
            <Button variant="primary" onClick={onDismiss}>
              Close
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {event.errorCode !== undefined && (
          <Box>
            {event.errorCode}: {event.errorMessage ?? "no reason given"}
          </Box>
        )}
        {isDenial(event) && event.requestId !== undefined && (
          <RouterLink to={`/access/explain/${encodeURIComponent(event.requestId)}`}>Why was it denied?</RouterLink>
        )}
        <PolicyEditor label="Event" value={event.text} onChange={ignore} readOnly />
      </SpaceBetween>
    </Modal>
  );
}

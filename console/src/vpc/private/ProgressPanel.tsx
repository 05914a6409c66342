import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useAttempt } from "../../components/useAttempt";
import { IdLink } from "../IdLink";
import { type Progress, removeMade, type StepState } from "./run";
import type { Made, Step } from "./steps";

interface Props {
  readonly steps: readonly Step[];
  readonly progress: Progress;
  readonly onRemoved: (left: readonly Made[]) => void;
}

const LOOKS: Readonly<Record<StepState, readonly [StatusIndicatorProps.Type, string]>> = {
  waiting: ["pending", "waits"],
  running: ["in-progress", "is being created"],
  done: ["success", "made"],
  failed: ["error", "failed"],
};

/** The progress, what exists now, and after a failure a button to remove it. */
export function ProgressPanel({ steps, progress, onRemoved }: Props) {
  const { busy, error, attempt } = useAttempt();
  const failed = progress.error !== undefined;
  const remove = (): Promise<void> =>
    attempt(async () => {
      const removal = await removeMade(progress.made);
      onRemoved(removal.left);
      if (removal.error !== undefined) throw removal.error;
    });
  return (
    <Container header={<Header variant="h2">Progress</Header>}>
      <SpaceBetween size="m">
        <div aria-live="polite">
          {steps.map((step, index) => {
            const [type, text] = LOOKS[progress.states[index] ?? "waiting"];
            return (
              <Box key={step.title}>
                <StatusIndicator type={type}>
                  {step.title}: {text}
                </StatusIndicator>
              </Box>
            );
          })}
        </div>
        {failed && <ErrorAlert what="The VPC is not complete" error={progress.error} />}
        {error !== undefined && <ErrorAlert what="Not everything could be removed" error={error} />}
        {failed && progress.made.length > 0 && (
          <Alert
            type="warning"
            header="This exists now"
            action={
              <Button loading={busy} onClick={() => void remove()}>
                Remove it
              </Button>
            }
          >
            <MadeList made={progress.made} />
          </Alert>
        )}
        {failed && progress.made.length === 0 && <Box>Everything was removed.</Box>}
        {!failed && progress.made.length > 0 && <MadeList made={progress.made} />}
      </SpaceBetween>
    </Container>
  );
}

function MadeList({ made }: { readonly made: readonly Made[] }) {
  return (
    <ul>
      {made.map((one) => (
        <li key={one.id}>
          {one.what}: <IdLink id={one.id} />
        </li>
      ))}
    </ul>
  );
}

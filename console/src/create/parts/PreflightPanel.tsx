import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import LiveRegion from "@cloudscape-design/components/live-region";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted } from "../../components/format";
import { RouterLink } from "../../components/RouterLink";
import { AddMissing } from "./AddMissing";
import { CodeBlock } from "./CodeBlock";
import { canAdd } from "./changes";
import { byUrgency, type Check, checkLabel, indicator, isClean, placeOf, verdict } from "./preflight";
import { isWithout, type Preflight } from "./usePreflight";

interface Props {
  readonly preflight: Preflight;
  /** Why the request cannot be checked yet, such as "Fill in: IAM role."; undefined if the form is complete. */
  readonly waitingFor?: string | undefined;
  /** The buckets of the request. */
  readonly buckets: readonly string[];
}

/** What would make a request or its job fail; one line if nothing would. */
export function PreflightPanel({ preflight, waitingFor, buckets }: Props) {
  const { checks, busy, error, again } = preflight;
  const [whole, setWhole] = useState(false);
  const shown = checks === undefined ? [] : whole ? byUrgency(checks) : byUrgency(checks).filter(hasToBeRead);
  return (
    <Container
      data-testid="preflight"
      header={
        <Header
          variant="h2"
          description="What would make this request or its job fail. Checking creates nothing."
          actions={
            <Button formAction="none" loading={busy} disabled={waitingFor !== undefined} onClick={again}>
              Check again
            </Button>
          }
        >
          Preflight
        </Header>
      }
    >
      <SpaceBetween size="m">
        <SpaceBetween direction="horizontal" size="xs">
          <LiveRegion>
            {waitingFor !== undefined && <Box color="text-body-secondary">{waitingFor}</Box>}
            {busy && <StatusIndicator type="loading">Checking</StatusIndicator>}
            {checks && (
              <StatusIndicator type={isClean(checks) ? "success" : "warning"}>
                <b>{verdict(checks)}</b>
              </StatusIndicator>
            )}
          </LiveRegion>
          {checks && (
            <Button variant="inline-link" formAction="none" onClick={() => setWhole(!whole)}>
              {whole ? "Show only what needs attention" : `Show all ${counted(checks.length, "check")}`}
            </Button>
          )}
        </SpaceBetween>
        {error !== null && <Unanswered error={error} onRetry={again} />}
        {shown.length > 0 && (
          <ul className="create-checks">
            {shown.map((check) => (
              <li key={check.Name}>
                <CheckView check={check} buckets={buckets} onAdded={again} />
              </li>
            ))}
          </ul>
        )}
      </SpaceBetween>
    </Container>
  );
}

function hasToBeRead({ Status }: Check): boolean {
  return Status !== "PASSED" && Status !== "SKIPPED";
}

interface CheckProps {
  readonly check: Check;
  readonly buckets: readonly string[];
  readonly onAdded: () => void;
}

function CheckView({ check, buckets, onAdded }: CheckProps) {
  const { type, word } = indicator(check.Status);
  const place = check.ResourceId === undefined ? undefined : placeOf(check.ResourceId);
  return (
    <SpaceBetween size="xxs">
      <StatusIndicator type={type} iconAriaLabel={word}>
        <b>{checkLabel(check.Name)}</b>
      </StatusIndicator>
      <Box>{check.Message}</Box>
      {check.Remedy !== undefined && (
        <Box>
          <b>What to change:</b> {check.Remedy}
        </Box>
      )}
      {canAdd(check.Changes) && hasToBeRead(check) && (
        <AddMissing changes={check.Changes} buckets={buckets} onAdded={onAdded} />
      )}
      {place !== undefined && hasToBeRead(check) && <RouterLink to={place}>Open {check.ResourceId}</RouterLink>}
      {check.Command !== undefined && (
        <CodeBlock label={`Command for ${checkLabel(check.Name)}`} code={check.Command} />
      )}
    </SpaceBetween>
  );
}

function Unanswered({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  if (isWithout(error)) {
    return (
      <Alert type="info" header="This server has no preflight">
        It does not know the operation CheckJob, so it is older than this console. You can still send the request: a job
        that fails says why.
      </Alert>
    );
  }
  return <ErrorAlert what="The request cannot be checked" error={error} onRetry={onRetry} />;
}

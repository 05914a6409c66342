import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import LiveRegion from "@cloudscape-design/components/live-region";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { hasCode } from "../../api/errors";
import { useReadingRoom } from "../../api/readingRoom";
import { ErrorAlert } from "../../components/ErrorAlert";
import { RouterLink } from "../../components/RouterLink";
import { CodeBlock } from "./CodeBlock";
import type { Json } from "./code";
import { byUrgency, type Check, checkLabel, indicator, placeOf, verdict } from "./preflight";

interface Props {
  /** The operation of Comprehend that would be called. */
  readonly operation: string;
  readonly request: Json;
  /** Why it cannot be asked yet, such as "Fill in: IAM role."; undefined when the form is complete. */
  readonly waitingFor?: string | undefined;
}

const PAUSE_MILLISECONDS = 700;

/** What the request and then its job would meet, asked of the service while the form is filled in. */
export function PreflightPanel({ operation, request, waitingFor }: Props) {
  const call = useReadingRoom();
  const text = useSettled(JSON.stringify(request));
  const settled = text === JSON.stringify(request);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["reading-room", "CheckJob", operation, text],
    enabled: waitingFor === undefined && settled,
    staleTime: 5_000,
    queryFn: ({ signal }) =>
      call<{ Checks: Check[] }>("CheckJob", { Operation: operation, Request: text }, signal).then(
        ({ Checks }) => Checks,
      ),
  });
  const current = settled && waitingFor === undefined;
  const busy = waitingFor === undefined && (isFetching || !settled);
  const checks = current && !isFetching && error === null ? data : undefined;
  return (
    <Container
      data-testid="preflight"
      header={
        <Header
          variant="h2"
          description="What stands in the way of this request and its job. Nothing is created by asking."
          actions={
            <Button formAction="none" loading={busy} disabled={waitingFor !== undefined} onClick={() => void refetch()}>
              Check again
            </Button>
          }
        >
          Preflight
        </Header>
      }
    >
      <SpaceBetween size="m">
        <LiveRegion>
          {waitingFor !== undefined && <Box color="text-body-secondary">{waitingFor}</Box>}
          {busy && <StatusIndicator type="loading">Checking</StatusIndicator>}
          {checks && <Box fontWeight="bold">{verdict(checks)}</Box>}
        </LiveRegion>
        {current && error !== null && <Unanswered error={error} onRetry={() => void refetch()} />}
        {checks && (
          <ul className="create-checks">
            {byUrgency(checks).map((check) => (
              <li key={check.Name}>
                <CheckView check={check} />
              </li>
            ))}
          </ul>
        )}
      </SpaceBetween>
    </Container>
  );
}

function CheckView({ check }: { readonly check: Check }) {
  const { type, word } = indicator(check.Status);
  const place = check.ResourceId === undefined ? undefined : placeOf(check.ResourceId);
  const acts = check.Status === "FAILED" || check.Status === "WARNING";
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
      {place !== undefined && acts && <RouterLink to={place}>Open {check.ResourceId}</RouterLink>}
      {check.Command !== undefined && (
        <CodeBlock label={`Command for ${checkLabel(check.Name)}`} code={check.Command} />
      )}
    </SpaceBetween>
  );
}

function Unanswered({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  if (hasCode(error, "UnknownOperationException", "UnknownOperation")) {
    return (
      <Alert type="info" header="This server has no preflight">
        It does not know the operation CheckJob, so it is older than this console. You can send the request all the
        same: a job that fails says why.
      </Alert>
    );
  }
  return <ErrorAlert what="The request cannot be checked" error={error} onRetry={onRetry} />;
}

/** A value once it has not changed for a moment: not every key that is pressed asks the service. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), PAUSE_MILLISECONDS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

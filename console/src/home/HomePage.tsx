import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMemo } from "react";
import { getConfig } from "../api/config";
import { readError } from "../api/errors";
import { Breakable } from "../components/Breakable";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatNumber } from "../components/format";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { useSignedIn } from "../session/session";
import { type Belongings, endedOf, type Figures, figuresOf, isNew, runningOf } from "./activity";
import { EndedTable } from "./EndedTable";
import { EndpointTable } from "./EndpointTable";
import { FirstSteps } from "./FirstSteps";
import { RunningTable } from "./RunningTable";
import { type Unlisted, useBelongings } from "./useBelongings";

const MOST_ENDED = 10;

/** The start page: what runs and what has ended; for a new user, the way to a first job. */
export default function HomePage() {
  const { jobs, models, endpoints, loading, unlisted, reload } = useBelongings();
  const belongings = useMemo(() => ({ jobs, models, endpoints }), [jobs, models, endpoints]);
  const found = [jobs, models, endpoints].some((each) => each !== undefined && each.length > 0);
  // Before every list has been read, a page without anything would look like that of a new user.
  const waiting = loading && !found;
  const fresh = unlisted.length === 0 && isNew(belongings);
  return (
    <Page
      title="Reading Room"
      description="Analysis jobs that read your documents inside your own VPC. Documents come in; nothing leaves."
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <RouterButton to="/jobs/create-several">Analyze in several ways</RouterButton>
          <RouterButton variant="primary" to="/jobs/create">
            Create job
          </RouterButton>
        </SpaceBetween>
      }
    >
      <NotListed unlisted={unlisted} onRetry={reload} />
      {waiting && <StatusIndicator type="loading">Reading what runs</StatusIndicator>}
      {!waiting && (fresh ? <FirstSteps /> : <Activity belongings={belongings} />)}
      <Elsewhere />
      <Installation />
    </Page>
  );
}

function Activity({ belongings }: { readonly belongings: Belongings }) {
  const running = useMemo(() => runningOf(belongings), [belongings]);
  const ended = useMemo(() => endedOf(belongings, MOST_ENDED), [belongings]);
  const figures = figuresOf(belongings, Date.now());
  const shown = (count: number | undefined): string => (count === undefined ? "-" : formatNumber(count));
  const { endpoints } = belongings;
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">At a glance</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Running", value: shown(figures.running) },
            { label: "Ended in the last day", value: endedWords(figures) },
            { label: "Trained models", value: <RouterLink to="/models">{shown(figures.models)}</RouterLink> },
            {
              label: "Endpoints in service",
              value: <RouterLink to="/model-endpoints">{shown(figures.endpoints)}</RouterLink>,
            },
          ]}
        />
      </Container>
      <RunningTable running={running} />
      <EndedTable ended={ended} />
      {endpoints !== undefined && endpoints.length > 0 && <EndpointTable endpoints={endpoints} />}
    </SpaceBetween>
  );
}

function endedWords({ completed, failed }: Figures): string {
  const words = `${formatNumber(completed)} completed`;
  return failed === 0 ? words : `${words}, ${formatNumber(failed)} failed`;
}

interface NotListedProps {
  readonly unlisted: readonly Unlisted[];
  readonly onRetry: () => void;
}

/** One message for all lists that cannot be read, as a user without a permission often lacks several. */
function NotListed({ unlisted, onRetry }: NotListedProps) {
  const [first, ...others] = unlisted;
  if (first === undefined) return null;
  if (others.length === 0)
    return <ErrorAlert what={`The ${first.what} cannot be listed`} error={first.error} onRetry={onRetry} />;
  const { code, message } = readError(first.error);
  return (
    <Alert
      type="warning"
      header={`Not everything can be listed: ${code}`}
      action={<Button onClick={onRetry}>Try again</Button>}
      data-testid="unlisted"
    >
      This page leaves out {new Intl.ListFormat("en").format(unlisted.map(({ what }) => what))}. The first reason:{" "}
      {message}
    </Alert>
  );
}

function Elsewhere() {
  return (
    <ColumnLayout columns={3} minColumnWidth={260}>
      <Container fitHeight header={<Header variant="h2">See the network</Header>}>
        <SpaceBetween size="xs">
          <RouterLink to="/vpc/map">The resource map</RouterLink>
          <RouterLink to="/vpc/reachability">What can reach what, and which rule decides</RouterLink>
          <RouterLink to="/vpc/flow-records">Every packet, accepted or rejected</RouterLink>
        </SpaceBetween>
      </Container>
      <Container fitHeight header={<Header variant="h2">Know why</Header>}>
        <SpaceBetween size="xs">
          <RouterLink to="/access/explain">Why a request was denied</RouterLink>
          <RouterLink to="/access/simulator">What a policy would decide</RouterLink>
          <RouterLink to="/access/trail">Who called what</RouterLink>
        </SpaceBetween>
      </Container>
      <Container fitHeight header={<Header variant="h2">Try it now</Header>}>
        <SpaceBetween size="xs">
          <RouterLink to="/analyze">Analyze a text in real time</RouterLink>
          <RouterLink to="/models">Train a model of your own</RouterLink>
        </SpaceBetween>
      </Container>
    </ColumnLayout>
  );
}

function Installation() {
  const { identity } = useSignedIn();
  const { apiUrl, region, version } = getConfig();
  return (
    <Container header={<Header variant="h2">This installation</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          { label: "Signed in as", value: <Breakable text={identity.arn} /> },
          { label: "Account", value: identity.account },
          { label: "Region", value: region },
          { label: "API", value: `${apiUrl} (version ${version})` },
        ]}
      />
    </Container>
  );
}

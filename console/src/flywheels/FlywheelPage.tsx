import { StartFlywheelIterationCommand } from "@aws-sdk/client-comprehend";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Tabs from "@cloudscape-design/components/tabs";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useComprehend } from "../api/comprehend";
import { hasCode } from "../api/errors";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { ComprehendTags } from "../components/tags/ComprehendTags";
import { useAttempt } from "../components/useAttempt";
import { modelWords } from "../endpoints/endpoint";
import { useEndpoints } from "../endpoints/queries";
import { HostileText } from "../jobs/parts/HostileText";
import { comparePath } from "../models/arn";
import { MetricPairs } from "../models/compare/MetricPairs";
import { MODEL_KINDS } from "../models/kinds";
import { DatasetTable } from "./DatasetTable";
import { FlywheelDiagram } from "./FlywheelDiagram";
import { ActivateModel, DeleteFlywheel } from "./FlywheelDialogs";
import { FlywheelProperties } from "./FlywheelProperties";
import {
  createDatasetPath,
  type Flywheel,
  type Iteration,
  latestMeasured,
  metricPairs,
  parseFlywheelArn,
  whyNoIteration,
} from "./flywheel";
import { IterationTable } from "./IterationTable";
import { FLYWHEELS_KEY, useDatasets, useFlywheel, useIterations } from "./queries";

const ABOVE = [{ text: "Flywheels", href: "/flywheels" }];

/** One flywheel: its diagram, the metrics of both models, its iterations and its datasets. */
export default function FlywheelPage() {
  const [parameters] = useSearchParams();
  const arn = parameters.get("arn") ?? "";
  const { data, error, refetch } = useFlywheel(arn);
  const name = parseFlywheelArn(arn);
  if (name === undefined) {
    return (
      <Page title="Flywheel" above={ABOVE}>
        <Alert type="warning" header="This address is not that of a flywheel">
          Its part after arn= must be a flywheel's ARN. Choose one from the list of{" "}
          <RouterLink to="/flywheels">flywheels</RouterLink>.
        </Alert>
      </Page>
    );
  }
  const gone = hasCode(error, "ResourceNotFoundException");
  // After an error, the last known state is still shown, unless the flywheel was deleted.
  if (data === undefined || gone) {
    return (
      <Page title={name} above={ABOVE}>
        {gone && (
          <Alert type="info" header="This flywheel does not exist">
            It may have been deleted. See the list of <RouterLink to="/flywheels">flywheels</RouterLink>.
          </Alert>
        )}
        {error !== null && !gone && (
          <ErrorAlert what="The flywheel cannot be read" error={error} onRetry={() => void refetch()} />
        )}
        {error === null && <StatusIndicator type="loading">Reading the flywheel</StatusIndicator>}
      </Page>
    );
  }
  return <FlywheelView key={arn} flywheel={data} error={error} />;
}

function FlywheelView({ flywheel, error }: { readonly flywheel: Flywheel; readonly error: unknown }) {
  const navigate = useNavigate();
  const datasets = useDatasets(flywheel.arn);
  const iterations = useIterations(flywheel.arn);
  const endpoints = useEndpoints();
  const [chosen, setChosen] = useState<string>();
  const [activating, setActivating] = useState<string>();
  const [deleting, setDeleting] = useState(false);
  const history = iterations.data;
  const iteration = history?.find(({ id }) => id === chosen) ?? latestMeasured(history ?? []) ?? history?.[0];
  return (
    <Page
      title={flywheel.name}
      above={ABOVE}
      description={`Flywheel of a ${MODEL_KINDS[flywheel.kind].label.toLowerCase()}`}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button disabled={flywheel.status === "DELETING"} onClick={() => setDeleting(true)}>
            Delete
          </Button>
          <RouterButton to={createDatasetPath(flywheel.arn)} disabled={flywheel.status !== "ACTIVE"}>
            Add dataset
          </RouterButton>
        </SpaceBetween>
      }
    >
      {error !== null && <ErrorAlert what="The flywheel cannot be refreshed" error={error} />}
      {flywheel.message !== undefined && (
        <Alert type={flywheel.status === "FAILED" ? "error" : "warning"} header="Message of the flywheel">
          <HostileText text={flywheel.message} />
        </Alert>
      )}
      <Container
        header={
          <Header
            variant="h2"
            description="What each stage does now, from the data to the endpoints that answer with the active model."
            actions={
              <StartIteration
                flywheel={flywheel}
                why={whyNoIteration(flywheel, datasets.data ?? [], history ?? [])}
                onStarted={() => setChosen(undefined)}
              />
            }
          >
            How it turns
          </Header>
        }
      >
        <FlywheelDiagram flywheel={flywheel} datasets={datasets.data} iterations={history} endpoints={endpoints.data} />
      </Container>
      {iteration !== undefined && <Metrics flywheel={flywheel} iteration={iteration} />}
      <IterationTable
        flywheel={flywheel}
        iterations={history}
        error={iterations.error ?? undefined}
        onRefresh={() => void iterations.refetch()}
        chosen={iteration}
        onChoose={setChosen}
        onActivate={({ trained }) => setActivating(trained)}
      />
      <DatasetTable
        flywheel={flywheel}
        datasets={datasets.data}
        error={datasets.error ?? undefined}
        onRefresh={() => void datasets.refetch()}
      />
      <Tabs
        ariaLabel={`Properties of ${flywheel.name}`}
        tabs={[
          { id: "properties", label: "Properties", content: <FlywheelProperties flywheel={flywheel} /> },
          { id: "tags", label: "Tags and schedule", content: <ComprehendTags arn={flywheel.arn} noun="flywheel" /> },
        ]}
      />
      {activating !== undefined && (
        <ActivateModel flywheel={flywheel} model={activating} onDismiss={() => setActivating(undefined)} />
      )}
      {deleting && (
        <DeleteFlywheel
          flywheel={flywheel}
          onDismiss={() => setDeleting(false)}
          onDeleted={() => navigate("/flywheels")}
        />
      )}
    </Page>
  );
}

interface StartProps {
  readonly flywheel: Flywheel;
  /** Why none can start. */
  readonly why: string | undefined;
  readonly onStarted: () => void;
}

function StartIteration({ flywheel, why, onStarted }: StartProps) {
  const client = useComprehend();
  const queries = useQueryClient();
  const { busy, error, attempt } = useAttempt();
  const start = (): void =>
    void attempt(async () => {
      await client.send(new StartFlywheelIterationCommand({ FlywheelArn: flywheel.arn }));
      onStarted();
      await queries.invalidateQueries({ queryKey: FLYWHEELS_KEY });
    });
  return (
    <SpaceBetween size="s" alignItems="end">
      <Button variant="primary" loading={busy} disabled={why !== undefined} disabledReason={why} onClick={start}>
        Start iteration
      </Button>
      {error !== undefined && <ErrorAlert what="No iteration was started" error={error} here />}
    </SpaceBetween>
  );
}

/** The metrics of the active and of the new model of an iteration, or why there are none. */
function Metrics({ flywheel, iteration }: { readonly flywheel: Flywheel; readonly iteration: Iteration }) {
  const { id, evaluated, trained, message, status } = iteration;
  const failed = status === "FAILED" || status === "STOPPED";
  return (
    <SpaceBetween size="m">
      <MetricPairs
        title="Metrics"
        description={`Both models read the same texts in the iteration ${id}.`}
        sides={[
          evaluated === undefined ? "No active model" : `Active: ${modelWords(evaluated)}`,
          trained === undefined ? "New model" : `New: ${modelWords(trained)}`,
        ]}
        pairs={metricPairs(flywheel.kind, iteration)}
        empty={failed ? "This iteration has no metrics." : "The models of this iteration are not evaluated yet."}
      />
      {failed && message !== undefined && (
        <Alert type={status === "FAILED" ? "error" : "info"} header={`The iteration ${id}`}>
          <HostileText text={message} />
        </Alert>
      )}
      {evaluated !== undefined && trained !== undefined && status === "COMPLETED" && (
        <RouterLink to={comparePath(evaluated, trained)}>Compare the trainings of both models</RouterLink>
      )}
    </SpaceBetween>
  );
}

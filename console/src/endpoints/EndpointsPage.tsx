import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMemo, useState } from "react";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatNumber, formatTime } from "../components/format";
import { Page } from "../components/Page";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterLink } from "../components/RouterLink";
import { modelPath } from "../models/arn";
import { type Dialog, EndpointDialogs } from "./EndpointDialogs";
import { canUpdate, formatUnits, modelWords, type Row, rowsOf, statusOf } from "./endpoint";
import { useEndpointMetrics, useEndpoints } from "./queries";
import { TryIt } from "./TryIt";

const COLUMNS: readonly Column<Row>[] = [
  { id: "name", header: "Name", value: ({ name }) => name, cell: ({ name }) => name },
  {
    id: "status",
    header: "Status",
    value: ({ status }) => statusOf(status).label,
    cell: ({ status }) => (
      <StatusIndicator type={statusOf(status).type} wrapText={false}>
        {statusOf(status).label}
      </StatusIndicator>
    ),
  },
  {
    id: "model",
    header: "Model",
    value: ({ model }) => modelWords(model),
    cell: ({ model }) => <RouterLink to={modelPath(model)}>{modelWords(model)}</RouterLink>,
  },
  {
    id: "desired",
    header: "Desired units",
    value: ({ desiredUnits }) => desiredUnits,
    cell: ({ desiredUnits }) => formatNumber(desiredUnits),
  },
  {
    id: "current",
    header: "Current units",
    value: ({ units }) => units,
    cell: ({ units }) => (units === undefined ? "-" : formatNumber(units)),
  },
  {
    id: "consumed",
    header: "Consumed units",
    value: ({ metrics }) => metrics?.ConsumedInferenceUnits,
    cell: ({ metrics }) => (metrics === undefined ? "-" : formatUnits(metrics.ConsumedInferenceUnits)),
  },
  {
    id: "utilization",
    header: "Utilization",
    value: ({ metrics }) => metrics?.InferenceUtilization,
    cell: ({ metrics }) => (metrics === undefined ? "-" : `${formatUnits(metrics.InferenceUtilization)} %`),
  },
  {
    id: "throttled",
    header: "Throttled calls",
    value: ({ metrics }) => metrics?.ThrottledCalls,
    cell: ({ metrics }) => (metrics === undefined ? "-" : formatNumber(metrics.ThrottledCalls)),
  },
  {
    id: "created",
    header: "Created",
    value: ({ created }) => created?.getTime(),
    cell: ({ created }) => (created === undefined ? "-" : formatTime(created)),
  },
];

/** The model endpoints of the account, with live units, and a box to try the chosen one. */
export default function EndpointsPage() {
  const endpoints = useEndpoints();
  const metrics = useEndpointMetrics();
  const [chosen, setChosen] = useState<string>();
  const [dialog, setDialog] = useState<Dialog>();
  const { data } = endpoints;
  const figures = metrics.data;
  const rows = useMemo(() => (data === undefined ? undefined : rowsOf(data, figures ?? [])), [data, figures]);
  const endpoint = rows?.find(({ arn }) => arn === chosen);
  return (
    <Page
      title="Model endpoints"
      description="An endpoint keeps a custom model loaded, so that it answers single calls at once."
    >
      {metrics.error !== null && <ErrorAlert what="The live figures cannot be read" error={metrics.error} />}
      <ResourceTable<Row>
        title="Model endpoints"
        noun="model endpoint"
        items={rows}
        columns={COLUMNS}
        keyOf={({ arn }) => arn}
        loading={endpoints.isPending}
        error={endpoints.error ?? undefined}
        onRefresh={() => void endpoints.refetch()}
        description="Consumed units, utilization and throttled calls are those of the last minute."
        filterBy={["name", "status", "model"]}
        selection="single"
        selected={endpoint === undefined ? [] : [endpoint]}
        onSelect={([picked]) => setChosen(picked?.arn)}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={endpoint === undefined || !canUpdate(endpoint)} onClick={() => setDialog("update")}>
              Update
            </Button>
            <Button
              disabled={endpoint === undefined || endpoint.status === "DELETING"}
              onClick={() => setDialog("delete")}
            >
              Delete
            </Button>
            <Button variant="primary" onClick={() => setDialog("create")}>
              Create endpoint
            </Button>
          </SpaceBetween>
        }
        empty={
          <SpaceBetween size="s" alignItems="center">
            <b>No model endpoints</b>
            <Box variant="p">
              Train a <RouterLink to="/models">custom model</RouterLink>, then create an endpoint for it.
            </Box>
          </SpaceBetween>
        }
      />
      {endpoint?.message !== undefined && (
        <Alert type={endpoint.status === "FAILED" ? "error" : "warning"} header={endpoint.name}>
          {endpoint.message}
        </Alert>
      )}
      {endpoint !== undefined && <TryIt key={endpoint.arn} endpoint={endpoint} />}
      <EndpointDialogs dialog={dialog} endpoint={endpoint} onDismiss={() => setDialog(undefined)} />
    </Page>
  );
}

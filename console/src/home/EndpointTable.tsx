import Box from "@cloudscape-design/components/box";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { counted } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { type Endpoint, modelWords, statusOf } from "../endpoints/endpoint";
import { modelPath } from "../models/arn";

/** The model endpoints of the account. */
export function EndpointTable({ endpoints }: { readonly endpoints: readonly Endpoint[] }) {
  return (
    <ResourceTable
      title="Model endpoints"
      noun="model endpoint"
      name="home-endpoints"
      items={endpoints}
      columns={COLUMNS}
      keyOf={({ arn }) => arn}
      short
      actions={<RouterButton to="/model-endpoints">All model endpoints</RouterButton>}
      empty={<Box>No model endpoints.</Box>}
    />
  );
}

const COLUMNS: readonly Column<Endpoint>[] = [
  { id: "name", header: "Name", cell: ({ name }) => name, value: ({ name }) => name },
  {
    id: "status",
    header: "Status",
    cell: ({ status, message }) => {
      const { type, label } = statusOf(status);
      return (
        <>
          <StatusIndicator type={type}>{label}</StatusIndicator>
          {message !== undefined && (
            <div>
              <bdi>{message}</bdi>
            </div>
          )}
        </>
      );
    },
    value: ({ status }) => statusOf(status).label,
    width: 168,
  },
  {
    id: "model",
    header: "Model",
    cell: ({ model }) => <RouterLink to={modelPath(model)}>{modelWords(model)}</RouterLink>,
    value: ({ model }) => model,
  },
  {
    id: "units",
    header: "Capacity",
    cell: ({ units }) => (units === undefined ? "-" : counted(units, "inference unit")),
    value: ({ units }) => units,
  },
];

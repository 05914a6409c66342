import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { formatTime } from "../components/format";
import { Page } from "../components/Page";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { RouterLink } from "../components/RouterLink";
import { modelWords } from "../endpoints/endpoint";
import { modelPath } from "../models/arn";
import { MODEL_KINDS } from "../models/kinds";
import { DeleteFlywheel } from "./FlywheelDialogs";
import { FlywheelStatus } from "./FlywheelStatus";
import { type Flywheel, flywheelPath, statusOf } from "./flywheel";
import { useFlywheels } from "./queries";

const COLUMNS: readonly Column<Flywheel>[] = [
  {
    id: "name",
    header: "Name",
    value: ({ name }) => name,
    cell: ({ arn, name }) => <RouterLink to={flywheelPath(arn)}>{name}</RouterLink>,
  },
  {
    id: "status",
    header: "Status",
    value: ({ status }) => statusOf(status).label,
    cell: ({ status }) => <FlywheelStatus status={status} />,
  },
  {
    id: "type",
    header: "Type",
    value: ({ kind }) => MODEL_KINDS[kind].label,
    cell: ({ kind }) => MODEL_KINDS[kind].label,
  },
  {
    id: "active",
    header: "Active model",
    value: ({ active }) => active && modelWords(active),
    cell: ({ active }) =>
      active === undefined ? "None" : <RouterLink to={modelPath(active)}>{modelWords(active)}</RouterLink>,
  },
  {
    id: "latest",
    header: "Latest iteration",
    value: ({ latest }) => latest,
    cell: ({ latest }) => latest ?? "-",
  },
  {
    id: "created",
    header: "Created",
    value: ({ created }) => created?.getTime(),
    cell: ({ created }) => (created === undefined ? "-" : formatTime(created)),
  },
];

/** The flywheels of the account. */
export default function FlywheelsPage() {
  const flywheels = useFlywheels();
  const [chosen, setChosen] = useState<string>();
  const [deleting, setDeleting] = useState(false);
  const flywheel = flywheels.data?.find(({ arn }) => arn === chosen);
  return (
    <Page
      title="Flywheels"
      description="A flywheel trains new versions of a custom model from growing data, and compares each with the active one."
    >
      <ResourceTable<Flywheel>
        title="Flywheels"
        noun="flywheel"
        items={flywheels.data}
        columns={COLUMNS}
        keyOf={({ arn }) => arn}
        loading={flywheels.isPending}
        error={flywheels.error ?? undefined}
        onRefresh={() => void flywheels.refetch()}
        filterBy={["name", "status", "type"]}
        selection="single"
        selected={flywheel === undefined ? [] : [flywheel]}
        onSelect={([picked]) => setChosen(picked?.arn)}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              disabled={flywheel === undefined || flywheel.status === "DELETING"}
              onClick={() => setDeleting(true)}
            >
              Delete
            </Button>
            <RouterButton to="/flywheels/create" variant="primary">
              Create flywheel
            </RouterButton>
          </SpaceBetween>
        }
        empty={
          <SpaceBetween size="s" alignItems="center">
            <b>No flywheels</b>
            <Box variant="p">
              A flywheel keeps its data in a bucket of yours. You decide which version of its model is active.
            </Box>
            <RouterButton to="/flywheels/create">Create the first flywheel</RouterButton>
          </SpaceBetween>
        }
      />
      {deleting && flywheel !== undefined && (
        <DeleteFlywheel flywheel={flywheel} onDismiss={() => setDeleting(false)} />
      )}
    </Page>
  );
}

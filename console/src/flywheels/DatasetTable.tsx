import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { formatNumber, formatTime } from "../components/format";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { HostileText } from "../jobs/parts/HostileText";
import { StorageLink } from "../jobs/parts/ResourceLinks";
import { FlywheelStatus } from "./FlywheelStatus";
import { createDatasetPath, type Dataset, type Flywheel, statusOf } from "./flywheel";

const TYPES: Readonly<Record<string, string>> = { TRAIN: "Training", TEST: "Test" };

const COLUMNS: readonly Column<Dataset>[] = [
  { id: "name", header: "Name", value: ({ name }) => name, cell: ({ name }) => name },
  {
    id: "type",
    header: "Type",
    value: ({ type }) => TYPES[type] ?? type,
    cell: ({ type }) => TYPES[type] ?? type,
  },
  {
    id: "status",
    header: "Status",
    value: ({ status }) => statusOf(status).label,
    cell: ({ status }) => <FlywheelStatus status={status} />,
  },
  {
    id: "documents",
    header: "Documents",
    value: ({ documents }) => documents,
    cell: ({ documents }) => (documents === undefined ? "-" : formatNumber(documents)),
  },
  {
    id: "description",
    header: "Description",
    value: ({ description }) => description,
    cell: ({ description }) => (description === undefined ? "-" : <bdi>{description}</bdi>),
  },
  {
    id: "place",
    header: "In the data lake",
    value: ({ place }) => place,
    cell: ({ place }) => <StorageLink uri={place} />,
  },
  {
    id: "created",
    header: "Created",
    value: ({ created }) => created?.getTime(),
    cell: ({ created }) => (created === undefined ? "-" : formatTime(created)),
  },
];

interface Props {
  readonly flywheel: Flywheel;
  readonly datasets: readonly Dataset[] | undefined;
  readonly error: unknown;
  readonly onRefresh: () => void;
}

/** The datasets of a flywheel; the message of the chosen one is shown below. */
export function DatasetTable({ flywheel, datasets, error, onRefresh }: Props) {
  const [chosen, setChosen] = useState<string>();
  const dataset = datasets?.find(({ arn }) => arn === chosen);
  return (
    <SpaceBetween size="m">
      <ResourceTable<Dataset>
        title="Datasets"
        noun="dataset"
        items={datasets}
        columns={COLUMNS}
        keyOf={({ arn }) => arn}
        loading={datasets === undefined}
        error={error}
        onRefresh={onRefresh}
        description="Without a test dataset, a tenth of the training texts is held back for tests."
        selection="single"
        selected={dataset === undefined ? [] : [dataset]}
        onSelect={([picked]) => setChosen(picked?.arn)}
        actions={
          <RouterButton to={createDatasetPath(flywheel.arn)} disabled={flywheel.status !== "ACTIVE"}>
            Add dataset
          </RouterButton>
        }
        empty="No datasets: add one to train with."
      />
      {dataset?.message !== undefined && (
        <Alert type={dataset.status === "FAILED" ? "error" : "warning"} header={dataset.name}>
          <HostileText text={dataset.message} />
        </Alert>
      )}
    </SpaceBetween>
  );
}

import Box from "@cloudscape-design/components/box";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import type { JobContainer, JobEvent } from "../runs";
import { interfacesOf, type UsedInterface } from "../story";

interface Row extends UsedInterface {
  readonly key: string;
}

interface Props {
  readonly containers: readonly JobContainer[];
  /** The story, which contains the interfaces that are gone. */
  readonly events: readonly JobEvent[];
  /** Whether the job may still get containers. */
  readonly active: boolean;
  /** Whether containers and story are still being read: until then, "none" would be wrong. */
  readonly loading?: boolean;
}

const STATES: Readonly<Record<string, string>> = {
  PREPARING: "Preparing",
  RUNNING: "Running",
  STOPPING: "Stopping",
  REMOVING: "Being removed",
};

const COLUMNS: readonly Column<Row>[] = [
  {
    id: "interface",
    header: "Network interface",
    cell: ({ id, container }) => {
      if (id === "") return "None yet";
      // A removed interface has no page.
      return container === undefined ? id : <RouterLink to={`/vpc/interfaces/${id}`}>{id}</RouterLink>;
    },
    value: ({ id }) => id,
  },
  {
    id: "state",
    header: "State",
    cell: ({ container }) => (container === undefined ? "Removed" : (STATES[container.State] ?? container.State)),
    value: ({ container }) => container?.State ?? "Removed",
  },
  { id: "address", header: "Private address", cell: ({ address }) => address ?? "-", value: ({ address }) => address },
  {
    id: "subnet",
    header: "Subnet",
    cell: ({ subnet }) =>
      subnet === undefined ? "-" : <RouterLink to={`/vpc/subnets/${subnet}`}>{subnet}</RouterLink>,
    value: ({ subnet }) => subnet,
  },
  {
    id: "container",
    header: "Container",
    cell: ({ container }) => container?.ContainerId ?? "-",
    value: ({ container }) => container?.ContainerId,
  },
  {
    id: "member",
    header: "Member",
    cell: ({ container }) =>
      container === undefined
        ? "-"
        : container.Member === 0
          ? "0, which reports for the job"
          : String(container.Member),
    value: ({ container }) => container?.Member,
  },
  {
    id: "attempt",
    header: "Attempt",
    cell: ({ container }) => container?.Attempt ?? "-",
    value: ({ container }) => container?.Attempt,
  },
];

/** The containers of a job with their interfaces, including removed ones from the story. */
export function ContainersTable({ containers, events, active, loading = false }: Props) {
  const rows: Row[] = interfacesOf(events, containers).map((each) => ({ ...each, key: each.id }));
  for (const container of containers) {
    if (container.NetworkInterfaceId === undefined) rows.push({ id: "", key: container.ContainerId, container });
  }
  return (
    <ResourceTable
      title="Containers and interfaces"
      noun="container"
      items={loading && rows.length === 0 ? undefined : rows}
      loading={loading}
      columns={COLUMNS}
      keyOf={(row) => row.key}
      description="Each container has one network interface in your subnets, with your security groups, and nothing else."
      empty={
        <Box variant="p">
          {active
            ? "There is no container yet: the job is waiting, or its network is being created."
            : "This job ended before it had a container."}
        </Box>
      }
    />
  );
}

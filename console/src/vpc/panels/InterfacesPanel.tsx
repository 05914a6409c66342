import type { NetworkInterface } from "@aws-sdk/client-ec2";
import { ResourceTable } from "../../components/ResourceTable";
import { interfaces } from "../data/reads";
import { useRead } from "../data/use";
import { IdLink } from "../IdLink";
import { JobLink } from "../JobLink";

interface Props {
  readonly of: (each: NetworkInterface) => boolean;
  readonly title?: string;
}

/** The interfaces that belong to a resource, with their jobs. */
export function InterfacesPanel({ of, title = "Network interfaces" }: Props) {
  const { data, error, isPending, refetch } = useRead(interfaces);
  return (
    <ResourceTable
      title={title}
      noun="network interface"
      items={data?.filter(of)}
      loading={isPending}
      error={error}
      onRefresh={() => void refetch()}
      keyOf={(each) => each.NetworkInterfaceId ?? ""}
      empty="None now. A container of a job has one here while the job runs."
      columns={[
        {
          id: "id",
          header: "Id",
          cell: (each) => <IdLink id={each.NetworkInterfaceId} tags={each.TagSet} />,
          value: (each) => each.NetworkInterfaceId,
        },
        {
          id: "address",
          header: "Private address",
          cell: (each) => each.PrivateIpAddress,
          value: (each) => each.PrivateIpAddress,
        },
        { id: "status", header: "Status", cell: (each) => each.Status, value: (each) => each.Status },
        {
          id: "job",
          header: "Job",
          cell: (each) => <JobLink description={each.Description} />,
          value: (each) => each.Description,
        },
      ]}
    />
  );
}

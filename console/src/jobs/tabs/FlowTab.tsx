import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useEc2 } from "../../api/ec2";
import { hasCode } from "../../api/errors";
import { useLogs } from "../../api/logs";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatNumber } from "../../components/format";
import { ResourceTable } from "../../components/ResourceTable";
import { RouterButton } from "../../components/RouterButton";
import { CodeBlock } from "../../create/parts/CodeBlock";
import { RECORD_COLUMNS } from "../../vpc/flow/columns";
import { IdLink } from "../../vpc/IdLink";
import { flowLogsOf, MOST_RECORDS, type RecordSource, readRecords, sourcesOf } from "../flowReading";
import type { RunView } from "../hooks";
import type { JobProperties } from "../properties";
import { interfacesOf } from "../story";

interface Props {
  readonly job: JobProperties;
  readonly view: RunView;
  readonly active: boolean;
}

/** Every packet of the job's interfaces, from the VPC's flow logs. */
export function FlowTab({ job, view, active }: Props) {
  const ec2 = useEc2();
  const subnets = job.VpcConfig?.Subnets ?? [];
  const interfaces = interfacesOf(view.events ?? [], view.run?.Containers ?? []).map((each) => each.id);
  const { data, error, refetch } = useQuery({
    queryKey: ["ec2", "DescribeFlowLogs", ...subnets, ...interfaces],
    queryFn: ({ signal }) => flowLogsOf(ec2, subnets, interfaces, signal),
    enabled: subnets.length > 0,
    refetchInterval: active ? 10_000 : false,
  });
  if (subnets.length === 0) {
    return <Box variant="p">The job runs in the network of the service, for which you have no flow logs.</Box>;
  }
  if (error !== null) {
    // After a subnet is deleted, the API does not list the flow logs of the others either.
    const gone = hasCode(error, "InvalidSubnetID.NotFound")
      ? "A subnet of the job was deleted, so its flow logs cannot be found"
      : undefined;
    return <ErrorAlert what={gone ?? "Flow logs cannot be listed"} error={error} onRetry={() => void refetch()} />;
  }
  if (data === undefined || (view.loading && interfaces.length === 0)) return <Box>Looking for flow logs.</Box>;
  const sources = sourcesOf(data.flowLogs);
  if (sources.length === 0) return <NoFlowLog vpc={data.vpcs[0]} elsewhere={data.flowLogs.length > 0} />;
  if (interfaces.length === 0) return <Box variant="p">The job has had no interface yet, so there are no records.</Box>;
  return (
    <SpaceBetween size="l">
      {sources.map((source) => (
        <Records
          key={source.group}
          source={source}
          interfaces={interfaces}
          since={job.SubmitTime?.getTime() ?? 0}
          // Records arrive up to a minute after the packets.
          live={active || Date.now() - (job.EndTime?.getTime() ?? 0) < 120_000}
        />
      ))}
    </SpaceBetween>
  );
}

interface RecordsProps {
  readonly source: RecordSource;
  readonly interfaces: readonly string[];
  readonly since: number;
  readonly live: boolean;
}

function Records({ source, interfaces, since, live }: RecordsProps) {
  const logs = useLogs();
  // A window begins before the job's first packet.
  const from = Math.max(0, since - 60_000);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["logs", "FilterLogEvents", source.group, ...interfaces],
    queryFn: ({ signal }) => readRecords(logs, source, interfaces, from, signal),
    refetchInterval: live ? 5_000 : false,
  });
  return (
    <SpaceBetween size="s">
      {data?.more && (
        <Alert type="info">
          Only the first {formatNumber(MOST_RECORDS)} records are shown. The page of flow records has all of them.
        </Alert>
      )}
      <ResourceTable
        title={`Flow records in ${source.group}`}
        noun="record"
        items={data?.records}
        columns={RECORD_COLUMNS}
        keyOf={(record) => record.id}
        loading={isPending}
        error={error ?? undefined}
        onRefresh={() => void refetch()}
        filterBy={["action", "source", "destination", "protocol", "interface"]}
        description={
          <>
            From the flow log of <IdLink id={source.of} />
          </>
        }
        actions={<RouterButton to="/vpc/flow-records">All flow records</RouterButton>}
        empty={<Box variant="p">There are no records yet. They arrive a few seconds after the end of each minute.</Box>}
      />
    </SpaceBetween>
  );
}

function NoFlowLog({ vpc, elsewhere }: { readonly vpc: string | undefined; readonly elsewhere: boolean }) {
  const command = `aws ec2 create-flow-logs --resource-type VPC --resource-ids ${vpc ?? "VPC"} --traffic-type ALL \\
    --log-destination-type cloud-watch-logs --log-group-name flow-logs --deliver-logs-permission-arn ROLE`;
  return (
    <SpaceBetween size="s">
      <Box variant="p">
        {elsewhere
          ? "The flow logs of this job's network go to S3, which this page does not read. It shows those that go to CloudWatch Logs."
          : "No flow log covers this job's interfaces. A flow log records every accepted and every rejected flow."}
      </Box>
      <Box variant="p">
        Create one for the VPC before the next job runs. ROLE is the ARN of a role that vpc-flow-logs.amazonaws.com may
        assume, and that may write to the log group.
      </Box>
      <CodeBlock label="The command that creates a flow log" code={command} />
      <RouterButton to="/vpc/flow-logs">Flow logs</RouterButton>
    </SpaceBetween>
  );
}

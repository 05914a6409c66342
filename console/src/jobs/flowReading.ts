import {
  type CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { DescribeFlowLogsCommand, DescribeSubnetsCommand, type EC2Client, type FlowLog } from "@aws-sdk/client-ec2";
import { type FlowRecord, fieldsOf, type RecordSource, readRecord, tellsOfFlow } from "./flowRecords";

/** Records that are shown: a job that talks much has more, which the page of flow records has. */
export const MOST_RECORDS = 2_000;

export interface ShownRecord {
  readonly key: string;
  readonly at: number;
  readonly record: FlowRecord;
}

export interface Records {
  readonly records: readonly ShownRecord[];
  /** Whether there are more than are shown. */
  readonly more: boolean;
}

/** The flow logs that cover a job's interfaces: of its VPC, of its subnets, of the interfaces themselves. */
export async function flowLogsOf(
  client: EC2Client,
  subnets: readonly string[],
  interfaces: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly flowLogs: readonly FlowLog[]; readonly vpcs: readonly string[] }> {
  const options = { abortSignal: signal };
  const answer = await client.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] }), options);
  const vpcs = [...new Set((answer.Subnets ?? []).flatMap((subnet) => subnet.VpcId ?? []))];
  const flowLogs: FlowLog[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new DescribeFlowLogsCommand({
        Filter: [{ Name: "resource-id", Values: [...vpcs, ...subnets, ...interfaces] }],
        ...(token !== undefined && { NextToken: token }),
      }),
      options,
    );
    flowLogs.push(...(page.FlowLogs ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return { flowLogs, vpcs };
}

/** The records of some interfaces in a log group, oldest first. ``since`` leaves out what is older. */
export async function readRecords(
  client: CloudWatchLogsClient,
  source: RecordSource,
  interfaces: readonly string[],
  since: number,
  signal: AbortSignal,
): Promise<Records> {
  const options = { abortSignal: signal };
  const streams = (
    await Promise.all(
      interfaces.map((id) =>
        client.send(
          new DescribeLogStreamsCommand({ logGroupName: source.group, logStreamNamePrefix: `${id}-` }),
          options,
        ),
      ),
    )
  ).flatMap((answer) => (answer.logStreams ?? []).flatMap((stream) => stream.logStreamName ?? []));
  if (streams.length === 0) return { records: [], more: false };
  const fields = fieldsOf(source.format);
  const records: ShownRecord[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new FilterLogEventsCommand({
        logGroupName: source.group,
        logStreamNames: streams,
        startTime: since,
        ...(token !== undefined && { nextToken: token }),
      }),
      options,
    );
    for (const { eventId, timestamp, message } of page.events ?? []) {
      const record = readRecord(message ?? "", fields);
      if (record !== undefined && tellsOfFlow(record)) records.push({ key: eventId ?? "", at: timestamp ?? 0, record });
    }
    token = page.nextToken;
  } while (token !== undefined && records.length < MOST_RECORDS);
  return { records: records.slice(0, MOST_RECORDS), more: token !== undefined || records.length > MOST_RECORDS };
}

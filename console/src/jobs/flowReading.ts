import {
  type CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { DescribeFlowLogsCommand, DescribeSubnetsCommand, type EC2Client, type FlowLog } from "@aws-sdk/client-ec2";
import { describesFlow, type FlowRecord, fieldsOf, parseRecord } from "../vpc/flow/records";

/** How many records are shown. A job with much traffic has more; the page of flow records shows them. */
export const MOST_RECORDS = 2_000;

export interface Records {
  readonly records: readonly FlowRecord[];
  /** Whether there are more than are shown. */
  readonly more: boolean;
}

/** A log group that contains records of a job's interfaces, with their format. */
export interface RecordSource {
  readonly group: string;
  readonly format: string | undefined;
  readonly of: string;
}

/** The log groups of the flow logs that are delivered to CloudWatch Logs, without duplicates. */
export function sourcesOf(flowLogs: readonly FlowLog[]): RecordSource[] {
  const found = new Map<string, RecordSource>();
  for (const each of flowLogs) {
    if (each.LogDestinationType !== "cloud-watch-logs" || each.LogGroupName === undefined) continue;
    if (!found.has(each.LogGroupName)) {
      found.set(each.LogGroupName, { group: each.LogGroupName, format: each.LogFormat, of: each.ResourceId ?? "" });
    }
  }
  return [...found.values()];
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
  const records: FlowRecord[] = [];
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
    for (const { eventId = "", timestamp = 0, message = "" } of page.events ?? []) {
      const record = parseRecord(eventId, timestamp, message, fields);
      if (record !== undefined && describesFlow(record)) records.push(record);
    }
    token = page.nextToken;
  } while (token !== undefined && records.length < MOST_RECORDS);
  return { records: records.slice(0, MOST_RECORDS), more: token !== undefined || records.length > MOST_RECORDS };
}

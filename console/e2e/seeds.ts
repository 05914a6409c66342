import {
  DescribeEntitiesDetectionJobCommand,
  DescribeSentimentDetectionJobCommand,
  DescribeTopicsDetectionJobCommand,
  type EntitiesDetectionJobProperties,
  ListEntitiesDetectionJobsCommand,
  ListSentimentDetectionJobsCommand,
  ListTopicsDetectionJobsCommand,
  type SentimentDetectionJobProperties,
  StartEntitiesDetectionJobCommand,
  type StartEntitiesDetectionJobRequest,
  StopEntitiesDetectionJobCommand,
  type TopicsDetectionJobProperties,
  type VpcConfig,
} from "@aws-sdk/client-comprehend";
import { CreateFlowLogsCommand, DescribeSubnetsCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  ListUsersCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { FLOW_LOGS_SERVICE, serviceTrust } from "../src/access/data/trust";
import { deliveryPolicy } from "../src/vpc/flow/roles";
import type { Keys, SeededKind, World } from "./clients";

/** Where the flow log of the seeded jobs' network delivers its records. */
export const FLOW_GROUP = "/e2e/flow-logs";

/** A job that was completed before the run, in a VPC. */
export interface SeededJob {
  readonly id: string;
  readonly name: string;
  readonly vpc: string;
  readonly network: VpcConfig;
  readonly roleArn: string;
  readonly input: string;
  readonly bucket: string;
  /** The key of its archive. */
  readonly key: string;
}

/** The completed jobs of a product in which no test has run yet. */
export async function seededIds(world: World): Promise<Record<SeededKind, string>> {
  const Filter = { JobStatus: "COMPLETED" } as const;
  const comprehend = world.comprehend();
  const entities = await comprehend.send(new ListEntitiesDetectionJobsCommand({ Filter }));
  const sentiment = await comprehend.send(new ListSentimentDetectionJobsCommand({ Filter }));
  const topics = await comprehend.send(new ListTopicsDetectionJobsCommand({ Filter }));
  const seeded = (id: string | undefined): string => {
    if (id === undefined) throw new Error("the seed completed no job of a type");
    return id;
  };
  return {
    entities: seeded(entities.EntitiesDetectionJobPropertiesList?.[0]?.JobId),
    sentiment: seeded(sentiment.SentimentDetectionJobPropertiesList?.[0]?.JobId),
    topics: seeded(topics.TopicsDetectionJobPropertiesList?.[0]?.JobId),
  };
}

/** Send the flows of every VPC of the account's own to CloudWatch Logs. */
export async function recordFlows(world: World): Promise<void> {
  const RoleName = "e2e-flow-logs";
  const iam = world.iam();
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: serviceTrust(FLOW_LOGS_SERVICE, "000000000001") }),
  );
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "deliver", PolicyDocument: deliveryPolicy() }));
  const { Vpcs = [] } = await world.ec2().send(new DescribeVpcsCommand({}));
  const { Unsuccessful } = await world.ec2().send(
    new CreateFlowLogsCommand({
      ResourceType: "VPC",
      ResourceIds: Vpcs.filter((vpc) => !vpc.IsDefault).map((vpc) => vpc.VpcId ?? ""),
      TrafficType: "ALL",
      MaxAggregationInterval: 60,
      LogGroupName: FLOW_GROUP,
      DeliverLogsPermissionArn: Role?.Arn,
    }),
  );
  if (Unsuccessful !== undefined && Unsuccessful.length > 0)
    throw new Error(`the flow log was refused: ${JSON.stringify(Unsuccessful)}`);
}

export async function seededJob(world: World, kind: SeededKind = "entities"): Promise<SeededJob> {
  const JobId = world.product.jobs[kind];
  const job = await described(world, kind, JobId);
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(job?.OutputDataConfig?.S3Uri ?? "") ?? [];
  const { VpcConfig: network, DataAccessRoleArn: roleArn, InputDataConfig } = job ?? {};
  if (bucket === undefined || key === undefined || network === undefined) throw new Error(`no ${kind} job is over`);
  const { Subnets } = await world.ec2().send(new DescribeSubnetsCommand({ SubnetIds: network.Subnets }));
  return {
    id: JobId,
    name: job?.JobName ?? JobId,
    vpc: Subnets?.[0]?.VpcId ?? "",
    network,
    roleArn: roleArn ?? "",
    input: InputDataConfig?.S3Uri ?? "",
    bucket,
    key,
  };
}

async function described(
  world: World,
  kind: SeededKind,
  JobId: string,
): Promise<
  EntitiesDetectionJobProperties | SentimentDetectionJobProperties | TopicsDetectionJobProperties | undefined
> {
  const comprehend = world.comprehend();
  if (kind === "topics")
    return (await comprehend.send(new DescribeTopicsDetectionJobCommand({ JobId }))).TopicsDetectionJobProperties;
  if (kind === "entities")
    return (await comprehend.send(new DescribeEntitiesDetectionJobCommand({ JobId }))).EntitiesDetectionJobProperties;
  return (await comprehend.send(new DescribeSentimentDetectionJobCommand({ JobId }))).SentimentDetectionJobProperties;
}

/** Start a job like a seeded one, with changes. Returns its id. */
export async function startLike(
  world: World,
  job: SeededJob,
  different: Partial<StartEntitiesDetectionJobRequest>,
): Promise<string> {
  const { JobId } = await world.comprehend().send(
    new StartEntitiesDetectionJobCommand({
      InputDataConfig: { S3Uri: job.input, InputFormat: "ONE_DOC_PER_FILE" },
      OutputDataConfig: { S3Uri: `s3://${job.bucket}/e2e-jobs/` },
      DataAccessRoleArn: job.roleArn,
      LanguageCode: "en",
      VpcConfig: job.network,
      ...different,
    }),
  );
  if (JobId === undefined) throw new Error("the job got no id");
  return JobId;
}

const LINE = "Ada Lovelace wrote to Charles Babbage from London, and Marie Curie moved from Warsaw to Paris. ";

/** Start a job that runs until it is stopped, for longer than any test waits. Returns its id. */
export async function startLong(world: World, JobName: string): Promise<string> {
  const job = await seededJob(world);
  const Key = `e2e-long/${JobName}.txt`;
  const Body = `${LINE.repeat(20)}\n`.repeat(3_000);
  await world.s3().send(new PutObjectCommand({ Bucket: job.bucket, Key, Body }));
  const InputDataConfig = { S3Uri: `s3://${job.bucket}/${Key}`, InputFormat: "ONE_DOC_PER_LINE" } as const;
  return startLike(world, job, { JobName, InputDataConfig });
}

/** Stop a job. */
export async function stopJob(world: World, JobId: string): Promise<void> {
  await world.comprehend().send(new StopEntitiesDetectionJobCommand({ JobId }));
}

/** Create a user with these statements, or without permissions. Returns its key. */
export async function makeUser(world: World, UserName: string, ...statements: object[]): Promise<Keys> {
  const iam = world.iam();
  await iam.send(new CreateUserCommand({ UserName }));
  if (statements.length > 0) {
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "its-own", PolicyDocument }));
  }
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
}

/** List users as a user without permissions. Returns the user's name and the id of the refused request. */
export async function refusedRequest(world: World): Promise<{ readonly user: string; readonly id: string }> {
  const user = `bare-${Date.now()}`;
  const bare = world.as(await makeUser(world, user)).iam();
  try {
    await bare.send(new ListUsersCommand({}));
  } catch (error) {
    const id = (error as { $metadata?: { requestId?: string } }).$metadata?.requestId;
    if (id !== undefined) return { user, id };
    throw error;
  }
  throw new Error(`${user} may list users`);
}

/** Act while a job has a further input file, and this archive as its results; then put back what was there before. */
export async function withResults(
  world: World,
  job: SeededJob,
  file: { readonly name: string; readonly content: string | Uint8Array },
  results: Uint8Array,
  act: () => Promise<void>,
): Promise<void> {
  const s3 = world.s3();
  const archive = { Bucket: job.bucket, Key: job.key };
  const input = { Bucket: job.bucket, Key: `${job.input.split("/").slice(3).join("/")}${file.name}` };
  const before = await (await s3.send(new GetObjectCommand(archive))).Body?.transformToByteArray();
  await s3.send(new PutObjectCommand({ ...input, Body: file.content }));
  await s3.send(new PutObjectCommand({ ...archive, Body: results }));
  try {
    await act();
  } finally {
    await s3.send(new PutObjectCommand({ ...archive, Body: before ?? new Uint8Array(0) }));
    await s3.send(new DeleteObjectCommand(input));
  }
}

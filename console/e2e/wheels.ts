import {
  CreateDatasetCommand,
  CreateEndpointCommand,
  CreateFlywheelCommand,
  DescribeDatasetCommand,
  DescribeEndpointCommand,
  DescribeFlywheelCommand,
  DescribeFlywheelIterationCommand,
  StartFlywheelIterationCommand,
  UpdateFlywheelCommand,
} from "@aws-sdk/client-comprehend";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, type World } from "./world";

const TRAINING_MILLISECONDS = 120_000;

/** Rows with two labels, some of which are hard to tell apart; their texts begin to count at `first`. */
export function rows(count: number, first = 0): string {
  const texts = [
    ["billing", "The invoice NUMBER is wrong, I was charged twice."],
    ["delivery", "My parcel NUMBER has not arrived yet."],
    ["billing", "Please refund what I paid for parcel NUMBER."],
    ["delivery", "When will order NUMBER be delivered?"],
  ] as const;
  const row = (number: number): string => {
    const [label, text] = texts[number % texts.length] ?? texts[0];
    return `${label},"${text.replace("NUMBER", String(number))}"`;
  };
  return Array.from({ length: count }, (_, number) => row(first + number)).join("\n");
}

/** A bucket with rows to learn from, and a role that may use all of it, both with this name. Returns the role's ARN. */
export async function seedLake(world: World, name: string, files: Readonly<Record<string, string>>): Promise<string> {
  await world.s3().send(new CreateBucketCommand({ Bucket: name }));
  for (const [Key, Body] of Object.entries(files))
    await world.s3().send(new PutObjectCommand({ Bucket: name, Key, Body }));
  const policy = (Statement: object): string => JSON.stringify({ Version: "2012-10-17", Statement });
  const trust = { Effect: "Allow", Principal: { Service: "comprehend.amazonaws.com" }, Action: "sts:AssumeRole" };
  const { Role } = await world
    .iam()
    .send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: policy(trust) }));
  const may = { Effect: "Allow", Action: ["s3:GetObject", "s3:ListBucket", "s3:PutObject"], Resource: "*" };
  await world.iam().send(new PutRolePolicyCommand({ RoleName: name, PolicyName: "lake", PolicyDocument: policy(may) }));
  return Role?.Arn ?? "";
}

/** A flywheel with two iterations, of which the first one's model is active, and an endpoint. Returns its ARN. */
export async function turnedFlywheel(world: World, name: string): Promise<string> {
  const role = await seedLake(world, name, {
    "june.csv": rows(40),
    "july.csv": rows(200, 1000),
    "test.csv": rows(60, 9000),
  });
  const client = world.comprehend();
  const { FlywheelArn = "" } = await client.send(
    new CreateFlywheelCommand({
      FlywheelName: name,
      ModelType: "DOCUMENT_CLASSIFIER",
      TaskConfig: { LanguageCode: "en", DocumentClassificationConfig: { Mode: "MULTI_CLASS" } },
      DataAccessRoleArn: role,
      DataLakeS3Uri: `s3://${name}/lake/`,
    }),
  );
  await until("ACTIVE", async () => {
    const { FlywheelProperties } = await client.send(new DescribeFlywheelCommand({ FlywheelArn }));
    return FlywheelProperties?.Status;
  });
  const dataset = async (DatasetName: string, DatasetType: "TRAIN" | "TEST" = "TRAIN"): Promise<void> => {
    const DocumentClassifierInputDataConfig = { S3Uri: `s3://${name}/${DatasetName}.csv` };
    const InputDataConfig = { DocumentClassifierInputDataConfig };
    const { DatasetArn } = await client.send(
      new CreateDatasetCommand({ FlywheelArn, DatasetName, DatasetType, InputDataConfig }),
    );
    await until("COMPLETED", async () => {
      const { DatasetProperties } = await client.send(new DescribeDatasetCommand({ DatasetArn }));
      return DatasetProperties?.Status;
    });
  };
  const iterate = async (): Promise<string> => {
    const { FlywheelIterationId } = await client.send(new StartFlywheelIterationCommand({ FlywheelArn }));
    const describe = new DescribeFlywheelIterationCommand({ FlywheelArn, FlywheelIterationId });
    await until("COMPLETED", async () => (await client.send(describe)).FlywheelIterationProperties?.Status);
    return (await client.send(describe)).FlywheelIterationProperties?.TrainedModelArn ?? "";
  };
  await dataset("june");
  await dataset("test", "TEST");
  await client.send(new UpdateFlywheelCommand({ FlywheelArn, ActiveModelArn: await iterate() }));
  const { EndpointArn } = await client.send(
    new CreateEndpointCommand({ EndpointName: name, FlywheelArn, DesiredInferenceUnits: 5 }),
  );
  await until("IN_SERVICE", async () => {
    const { EndpointProperties } = await client.send(new DescribeEndpointCommand({ EndpointArn }));
    return EndpointProperties?.Status;
  });
  await dataset("july");
  await iterate();
  return FlywheelArn;
}

async function until(status: string, look: () => Promise<string | undefined>): Promise<void> {
  await expect.poll(look, { timeout: TRAINING_MILLISECONDS }).toBe(status);
}

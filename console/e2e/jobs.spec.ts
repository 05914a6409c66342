import {
  type ComprehendClient,
  DescribeEntitiesDetectionJobCommand,
  type EntitiesDetectionJobProperties,
  ListEntitiesDetectionJobsCommand,
  StartEntitiesDetectionJobCommand,
} from "@aws-sdk/client-comprehend";
import {
  CreateSecurityGroupCommand,
  DescribeSubnetsCommand,
  RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, expectAccessible, test } from "./world";

/** A job that the product was seeded with: completed, in a VPC. */
async function seeded(client: ComprehendClient): Promise<EntitiesDetectionJobProperties> {
  const answer = await client.send(new ListEntitiesDetectionJobsCommand({ Filter: { JobStatus: "COMPLETED" } }));
  const found = answer.EntitiesDetectionJobPropertiesList?.find((job) => job.VpcConfig !== undefined);
  if (found === undefined) throw new Error("the product was seeded with no completed job in a VPC");
  return found;
}

/** What starts a job like another one. */
function like(job: EntitiesDetectionJobProperties) {
  const bucket = job.OutputDataConfig?.S3Uri?.split("/")[2] ?? "";
  return {
    InputDataConfig: job.InputDataConfig,
    OutputDataConfig: { S3Uri: `s3://${bucket}/e2e-jobs/` },
    DataAccessRoleArn: job.DataAccessRoleArn,
    LanguageCode: "en" as const,
    VpcConfig: job.VpcConfig,
  };
}

test("a finished job tells its story, its interfaces, its log and its files", async ({ signedIn: page, world }) => {
  const job = await seeded(world.comprehend());
  await page.goto("/jobs");
  const name = job.JobName ?? job.JobId ?? "";
  await page.getByRole("link", { name, exact: true }).first().click();
  await expect(page).toHaveURL(/\/jobs\/entities\/[0-9a-f]+$/);

  await page.goto(`/jobs/entities/${job.JobId}`);
  await expect(page.getByText("Completed")).toBeVisible();
  await expect(page.getByRole("link", { name: /^vpc-[0-9a-f]+$/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "Results", exact: true })).toHaveAttribute(
    "href",
    `/jobs/entities/${job.JobId}/results`,
  );
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Story" }).click();
  const story = page.getByRole("list", { name: "Events, oldest first" });
  await expect(story.getByRole("listitem").first()).toContainText("+0 ms");
  await expect(story).toContainText("Released");
  await expect(page.getByRole("list", { name: /^Phases/ })).toContainText("Running");
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Containers and interfaces" }).click();
  await expect(page.getByRole("row", { name: /eni-[0-9a-f]+/ }).first()).toContainText("Removed");

  await page.getByRole("tab", { name: "Log", exact: true }).click();
  const log = page.getByRole("log");
  await expect(log).toContainText("Submitted: submitted");
  await page.getByRole("searchbox", { name: "Search in the log" }).fill("RELEASED");
  await expect(log).toContainText("Released: interface and container gone");
  await expect(log).not.toContainText("Submitted: submitted");
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Files" }).click();
  await expect(page.getByRole("heading", { name: "Output" })).toBeVisible();
  await expect(page.getByText(/^[\d.,]+ (bytes|KB|MB)$/).first()).toBeVisible();
  await expectAccessible(page);
});

test("a failed job leads to the one thing to change", async ({ signedIn: page, world }) => {
  const job = await seeded(world.comprehend());
  const subnets = await world.ec2().send(new DescribeSubnetsCommand({ SubnetIds: job.VpcConfig?.Subnets ?? [] }));
  const { GroupId } = await world.ec2().send(
    new CreateSecurityGroupCommand({
      GroupName: `e2e-jobs-shut-${Date.now()}`,
      Description: "lets nothing out",
      VpcId: subnets.Subnets?.[0]?.VpcId,
    }),
  );
  const everything = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
  await world.ec2().send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [everything] }));
  const { JobId } = await world.comprehend().send(
    new StartEntitiesDetectionJobCommand({
      ...like(job),
      JobName: "e2e-jobs-shut",
      VpcConfig: { Subnets: job.VpcConfig?.Subnets, SecurityGroupIds: [GroupId ?? ""] },
    }),
  );
  await page.goto(`/jobs/entities/${JobId}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("e2e-jobs-shut");
  const failure = page.getByTestId("failure");
  await expect(failure).toContainText("NO_ROUTE_TO_STORAGE", { timeout: 20_000 });
  await expectAccessible(page);
  await failure.getByRole("link", { name: `Security group ${GroupId}` }).click();
  await expect(page).toHaveURL(`/vpc/security-groups/${GroupId}`);
});

test("a running job is stopped after a question, and what is hostile in its tags is text", async ({
  signedIn: page,
  world,
}) => {
  const job = await seeded(world.comprehend());
  const bucket = job.InputDataConfig?.S3Uri?.split("/")[2] ?? "";
  const line = "Ada Lovelace wrote to Charles Babbage from London, and Marie Curie moved from Warsaw to Paris. ".repeat(
    20,
  );
  const key = `${job.InputDataConfig?.S3Uri?.split("/").slice(3).join("/")}e2e-jobs-many.txt`;
  await world.s3().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: `${line}\n`.repeat(3_000) }));
  const { JobId } = await world.comprehend().send(
    new StartEntitiesDetectionJobCommand({
      ...like(job),
      InputDataConfig: { S3Uri: `s3://${bucket}/${key}`, InputFormat: "ONE_DOC_PER_LINE" },
      JobName: "e2e-jobs-stop",
    }),
  );
  await page.goto(`/jobs/entities/${JobId}`);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("button", { name: "Stop job" }).click();
  await expect(page.getByText("was asked to stop")).toBeVisible();
  await expect(page.getByText("Stopped", { exact: true })).toBeVisible({ timeout: 30_000 });
  const after = await world.comprehend().send(new DescribeEntitiesDetectionJobCommand({ JobId }));
  expect(after.EntitiesDetectionJobProperties?.JobStatus).toBe("STOPPED");

  await page.getByRole("tab", { name: "Tags" }).click();
  const value = "=1+1 @me";
  await page.getByLabel("Key", { exact: true }).fill("e2e-ключ");
  await page.getByLabel("Value - optional").fill(value);
  await page.getByRole("button", { name: "Set tag" }).click();
  await expect(page.getByRole("row", { name: /e2e-ключ/ })).toContainText(value);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Remove the tag e2e-ключ" }).click();
  await expect(page.getByRole("row", { name: /e2e-ключ/ })).toBeHidden();
});

test("an address of no job, and of no type, says so", async ({ signedIn: page }) => {
  await page.goto("/jobs/entities/00000000000000000000000000000000");
  await expect(page.getByTestId("error")).toContainText("JobNotFoundException");
  await page.goto("/jobs/constructor/1");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("There is no such type of job");
});

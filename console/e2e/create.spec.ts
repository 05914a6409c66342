import {
  type ComprehendClient,
  DescribeKeyPhrasesDetectionJobCommand,
  ListEntitiesDetectionJobsCommand,
} from "@aws-sdk/client-comprehend";
import { GetRolePolicyCommand } from "@aws-sdk/client-iam";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, test } from "./world";

async function choose(page: Page, field: string, option: RegExp): Promise<void> {
  await page.getByRole("button", { name: new RegExp(`^${field}`) }).click();
  await page.getByRole("option", { name: option }).first().click();
}

async function seededJob(client: ComprehendClient) {
  const { EntitiesDetectionJobPropertiesList: jobs = [] } = await client.send(new ListEntitiesDetectionJobsCommand({}));
  const job = jobs.at(-1);
  if (job?.JobId === undefined || job.VpcConfig === undefined) throw new Error("the seed has no job in a VPC");
  return job;
}

test("from nothing to a running job: a bucket, a role, a VPC, the preflight, the button", async ({
  signedIn: page,
  world,
}) => {
  const { VpcConfig } = await seededJob(world.comprehend());
  const [subnet, group] = [VpcConfig?.Subnets?.[0] ?? "", VpcConfig?.SecurityGroupIds?.[0] ?? ""];
  await page.goto(`/jobs/create?vpc=&subnets=${subnet}&groups=${group}`);
  await expect(page.getByRole("heading", { name: "Create job", level: 1 })).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Name - optional").first().fill("made in a browser");
  await choose(page, "Analysis type", /Key phrases/);

  await page.getByRole("button", { name: "New bucket with documents" }).click();
  await page.getByLabel("Bucket name").fill("create-spec-documents");
  await page.getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByLabel("Input S3 location", { exact: true })).toHaveValue(
    "s3://create-spec-documents/documents/",
  );

  // The VPC was found from the subnet, since a VpcConfig names none.
  await expect(page.getByRole("button", { name: /^VPC.*vpc-/ })).toBeVisible();
  await expect(page.getByRole("button", { name: new RegExp(`Remove ${subnet}`) })).toBeVisible();

  await page.getByText("Create an IAM role").click();
  await page.getByLabel("Name suffix").fill("create-spec");
  await expect(page.getByRole("region", { name: "Policy of the role" })).toContainText(
    "arn:aws:s3:::create-spec-documents/documents/*",
  );
  await page.getByRole("button", { name: "Create role" }).click();
  await expect(page.getByText("The role was created and chosen")).toBeVisible();
  const { PolicyDocument = "" } = await world
    .iam()
    .send(new GetRolePolicyCommand({ RoleName: "AmazonComprehendServiceRole-create-spec", PolicyName: "job-access" }));
  expect(decodeURIComponent(PolicyDocument)).toContain("ec2:CreateNetworkInterfacePermission");

  await expect(page.getByTestId("preflight")).toContainText("Nothing stands in the way", { timeout: 15_000 });
  await expectAccessible(page);
  await page.getByRole("button", { name: "Create job" }).click();
  await page.waitForURL(/\/jobs\/key-phrases\/[0-9a-f]+$/);
  const JobId = page.url().split("/").at(-1);
  const described = (): Promise<string | undefined> =>
    world
      .comprehend()
      .send(new DescribeKeyPhrasesDetectionJobCommand({ JobId }))
      .then(({ KeyPhrasesDetectionJobProperties: job }) => `${job?.JobName} ${job?.JobStatus} ${job?.Message ?? ""}`);
  await expect.poll(described, { timeout: 120_000 }).toBe("made in a browser COMPLETED ");
});

test("what is wrong stands beside its field, and nothing is sent", async ({ signedIn: page }) => {
  await page.goto("/jobs/create");
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.headers()["x-amz-target"] ?? ""));
  await choose(page, "Analysis type", /Topic modeling/);
  await page.getByLabel("Number of topics").fill("101");
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page.getByText("Enter a whole number from 1 to 100.").first()).toBeVisible();
  await expect(page.getByText("Choose a role, or create one").first()).toBeVisible();
  await expect(page.getByText("Mend what is marked above").first()).toBeVisible();
  await expectAccessible(page);
  expect(sent.filter((target) => target.includes("Start"))).toEqual([]);
});

test("a copy has what the job had, and its code is the same request", async ({ signedIn: page, world }) => {
  const job = await seededJob(world.comprehend());
  await page.goto(`/jobs/create?copy=entities/${job.JobId}`);
  await expect(page.getByLabel("Input S3 location", { exact: true })).toHaveValue(job.InputDataConfig?.S3Uri ?? "");
  await page.getByRole("button", { name: /The same request as code/ }).click();
  const code = page.getByRole("region", { name: "The request for the AWS CLI" });
  await expect(code).toContainText("aws comprehend start-entities-detection-job");
  for (const id of [...(job.VpcConfig?.Subnets ?? []), job.DataAccessRoleArn ?? ""]) {
    await expect(code).toContainText(id);
  }
  await page.getByRole("tab", { name: "Python (boto3)" }).click();
  await expect(page.getByRole("region", { name: "The request for boto3" })).toContainText(
    "comprehend.start_entities_detection_job(",
  );
});

test("what the service refuses is shown beside the field that it names", async ({ signedIn: page, world }) => {
  const job = await seededJob(world.comprehend());
  await page.goto(`/jobs/create?copy=entities/${job.JobId}`);
  await page.getByText("Use a KMS key").first().click();
  await page.getByLabel("Job encryption: key id or ARN").fill("no-such-key");
  await expect(page.getByTestId("preflight")).toContainText("KMS_KEY_NOT_FOUND", { timeout: 15_000 });
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page.getByTestId("error")).toContainText("KmsKeyValidationException");
  await expect(page.getByLabel("Job encryption: key id or ARN")).toHaveAttribute("aria-invalid", "true");
});

import { seededJob } from "./seeds";
import { choose, expect, expectAccessible, test } from "./world";

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
  const job = await seededJob(world);
  await page.goto(`/jobs/create?copy=entities/${job.id}`);
  await expect(page.getByLabel("Input S3 location", { exact: true })).toHaveValue(job.input);
  // The VPC is found from the subnets, since a VpcConfig names none.
  await expect(page.getByRole("button", { name: new RegExp(`^VPC.*${job.vpc}`) })).toBeVisible();
  await page.getByRole("button", { name: /The same request as code/ }).click();
  const code = page.getByRole("region", { name: "The request for the AWS CLI" });
  await expect(code).toContainText("aws comprehend start-entities-detection-job");
  for (const id of [...(job.network.Subnets ?? []), job.roleArn]) {
    await expect(code).toContainText(id);
  }
  await page.getByRole("tab", { name: "Python (boto3)" }).click();
  await expect(page.getByRole("region", { name: "The request for boto3" })).toContainText(
    "comprehend.start_entities_detection_job(",
  );
});

test("what the service refuses is shown beside the field that it names", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  await page.goto(`/jobs/create?copy=entities/${job.id}`);
  await page.getByText("Use a KMS key").first().click();
  await page.getByLabel("Job encryption: key id or ARN").fill("no-such-key");
  await expect(page.getByTestId("preflight")).toContainText("KMS_KEY_NOT_FOUND", { timeout: 15_000 });
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page.getByTestId("error")).toContainText("KmsKeyValidationException");
  await expect(page.getByLabel("Job encryption: key id or ARN")).toHaveAttribute("aria-invalid", "true");
});

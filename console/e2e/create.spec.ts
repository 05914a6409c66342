import { seededJob } from "./seeds";
import { choose, expect, expectAccessible, test } from "./world";

test("errors are shown beside their fields, and nothing is sent", async ({ signedIn: page }) => {
  await page.goto("/jobs/create");
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.headers()["x-amz-target"] ?? ""));
  await choose(page, "Analysis type", /Topic modeling/);
  await page.getByLabel("Number of topics").fill("101");
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page.getByText("Enter a whole number from 1 to 100.").first()).toBeVisible();
  await expect(page.getByText("Choose a role, or create one").first()).toBeVisible();
  await expect(page.getByText("Correct what is marked above").first()).toBeVisible();
  await expectAccessible(page);
  expect(sent.filter((target) => target.includes("Start"))).toEqual([]);
});

test("no form offers an encryption key, as there is no key service", async ({ signedIn: page }) => {
  for (const address of ["/jobs/create", "/models/create-classifier", "/models/create-recognizer"]) {
    await page.goto(address);
    await expect(page.getByRole("heading", { name: "Access permissions" })).toBeVisible();
    await expect(page.getByText(/KMS|encrypt/i)).toHaveCount(0);
  }
});

test("a copy has the job's values, and its code is the same request", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  await page.goto(`/jobs/create?copy=entities/${job.id}`);
  await expect(page.getByLabel("Input S3 location", { exact: true })).toHaveValue(job.input);
  // The VPC is found from the subnets, as a VpcConfig does not name it.
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

test("what the preflight finds missing is added, and a job that would fail needs confirmation", async ({
  signedIn: page,
  world,
}) => {
  const job = await seededJob(world);
  await page.goto(`/jobs/create?copy=entities/${job.id}`);
  const preflight = page.getByTestId("preflight");
  await expect(preflight).toContainText("Nothing stands in the way", { timeout: 15_000 });
  // One line: the checks that passed are shown on request.
  await expect(preflight.getByRole("listitem")).toHaveCount(0);
  await page.getByRole("radio", { name: "Enter the ARN of a role" }).click();
  const role = `arn:aws:iam::000000000001:role/e2e-added-${Date.now()}`;
  await page.getByLabel("Role ARN").fill(role);
  await expect(preflight).toContainText("failed: the job would not succeed", { timeout: 15_000 });
  await page.getByRole("button", { name: "Create job" }).click();
  const question = page.getByRole("dialog");
  await expect(question).toContainText("The preflight expects it to fail");
  await expectAccessible(page);
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(page).toHaveURL(/\/jobs\/create/);
  const add = preflight.getByRole("button", { name: "Add what is missing" });
  // The role, then what it may do: each check says what it needs once the previous one passes.
  await expect(async () => {
    if (await add.first().isVisible()) {
      await add.first().click();
      const dialog = page.getByRole("dialog");
      await expect(dialog).toContainText("Nothing existing is removed");
      await dialog.getByRole("button", { name: "Add", exact: true }).click();
      await expect(dialog).toHaveCount(0);
    }
    await expect(preflight).toContainText("Nothing stands in the way", { timeout: 3_000 });
  }).toPass({ timeout: 90_000 });
});

test("a form that was left half filled in says so, and can be discarded", async ({ signedIn: page }) => {
  await page.goto("/jobs/create");
  await page.getByLabel("Input S3 location", { exact: true }).fill("s3://somewhere/in/");
  await page.getByRole("link", { name: "Analysis jobs" }).first().click();
  await page.getByRole("link", { name: "Create job" }).first().click();
  await expect(page.getByText("This is the form as you left it")).toBeVisible();
  await expect(page.getByLabel("Input S3 location", { exact: true })).toHaveValue("s3://somewhere/in/");
  await page.getByRole("button", { name: "Discard and start again" }).click();
  await expect(page.getByLabel("Input S3 location", { exact: true })).toHaveValue("");
  await expect(page.getByText("This is the form as you left it")).toHaveCount(0);
});

test("a page starts at its top, a dialog at its first field, and the keyboard at a link past the bar", async ({
  signedIn: page,
}) => {
  await page.goto("/jobs/create");
  await page.getByRole("button", { name: "Create job" }).scrollIntoViewIfNeeded();
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(100);
  await page.getByRole("link", { name: "Buckets" }).first().click();
  await expect(page.getByRole("heading", { name: "Buckets", level: 1 })).toBeVisible();
  expect(await page.evaluate(() => window.scrollY)).toBe(0);
  await page.getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByLabel("Bucket name")).toBeFocused();
  await page.keyboard.press("Escape");
  await page.goto("/s3");
  await expect(page.getByRole("heading", { name: "Buckets", level: 1 })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#content")).toBeFocused();
});

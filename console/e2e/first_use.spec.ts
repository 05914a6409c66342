import { GetRolePolicyCommand } from "@aws-sdk/client-iam";
import { choose, expect, expectAccessible, test } from "./world";

const BUCKET = "first-use-documents";
const ROLE = "AmazonComprehendServiceRole-first-use";

test("from nothing to highlighted results: sign in, a bucket, a VPC, a role, the preflight, a job", async ({
  visitor: page,
  world,
}, info) => {
  const picture = (name: string) => page.screenshot({ path: info.outputPath(`${name}.png`) });
  await page.goto("/");
  await page.getByLabel("Access key ID").fill(world.product.accessKeyId);
  await page.getByLabel("Secret access key").fill(world.product.secretAccessKey);
  await picture("1-sign-in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("link", { name: "Create a job" }).first()).toBeVisible();
  // The sign-in survives a reload, but the form below is in memory, so the test uses only links and buttons from here on.
  await page.reload();
  await page.getByRole("link", { name: "Create a job" }).first().click();
  await expect(page.getByRole("heading", { name: "Create job", level: 1 })).toBeVisible();
  await page.getByLabel("Name - optional").first().fill("made in a browser");
  await choose(page, "Analysis type", /Entities/);

  await page.getByRole("button", { name: "New bucket with documents" }).click();
  await page.getByLabel("Bucket name").fill(BUCKET);
  await page.getByRole("button", { name: "Create bucket" }).click();
  const input = page.getByLabel("Input S3 location", { exact: true });
  await expect(input).toHaveValue(`s3://${BUCKET}/documents/`);
  await picture("2-documents");

  await page.getByRole("button", { name: /^VPC settings/ }).click();
  await page.getByRole("link", { name: "Build a private VPC" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("first-use");
  await expect(page.getByRole("textbox", { name: "Buckets" })).toHaveValue(BUCKET);
  await page.getByRole("button", { name: "Build private VPC" }).click();
  await expect(page.getByText("The private VPC is ready")).toBeVisible({ timeout: 30_000 });
  await picture("3-vpc");
  await page.getByRole("link", { name: "Go on with the job" }).click();

  // The form still has its values.
  await expect(input).toHaveValue(`s3://${BUCKET}/documents/`);
  await expect(page.getByRole("button", { name: /^VPC.*first-use/ })).toBeVisible();
  await expect(page.getByRole("button", { name: /^Remove subnet-/ })).toHaveCount(2);
  await page.getByText("Create an IAM role").click();
  await page.getByLabel("Name suffix").fill("first-use");
  const policy = page.getByRole("region", { name: "Policy of the role" });
  await expect(policy).toContainText(`arn:aws:s3:::${BUCKET}/documents/*`);
  await expect(policy).toContainText("aws:SourceVpce");
  await page.getByRole("button", { name: "Create role" }).click();
  await expect(page.getByText("The role was created and chosen")).toBeVisible();
  const { PolicyDocument = "" } = await world
    .iam()
    .send(new GetRolePolicyCommand({ RoleName: ROLE, PolicyName: "job-access" }));
  expect(decodeURIComponent(PolicyDocument)).toContain("ec2:CreateNetworkInterfacePermission");
  await expect(page.getByTestId("preflight")).toContainText("Nothing stands in the way");
  await expectAccessible(page);
  await picture("4-ready");

  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page).toHaveURL(/\/jobs\/entities\/[0-9a-f]+$/);
  await expect(page.getByRole("heading", { name: "made in a browser", level: 1 })).toBeVisible();
  await picture("5-job");
  await page.getByRole("link", { name: "Results", exact: true }).click({ timeout: 120_000 });
  await page.getByRole("tab", { name: /^Documents \(3\)/ }).click();
  await page.getByRole("searchbox", { name: "Search" }).fill("Irene");
  const text = page.getByTestId("document-text");
  await expect(text.locator("mark").filter({ hasText: "Irene Adler" })).toContainText("PERSON");
  await picture("6-results");
});

import { CreateDocumentClassifierCommand, DescribeDocumentClassifierCommand } from "@aws-sdk/client-comprehend";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { World } from "./world";
import { choose, expect, expectAccessibleInBothThemes, test } from "./world";

// A second try finds what the first one created.
const TRY = Date.now();
const NAME = `tickets-${TRY}`;
const ENDPOINT = `mail-${TRY}`;
const TRAINING_MILLISECONDS = 90_000;

/** Train a classifier, in the service's own network. */
async function train(world: World): Promise<void> {
  const [bucket, role] = [`endpoints-spec-${TRY}`, `endpoints-spec-${TRY}`];
  await world.s3().send(new CreateBucketCommand({ Bucket: bucket }));
  const rows = Array.from({ length: 20 }, (_, number) => [
    `billing,"The invoice ${number} is wrong, I was charged twice."`,
    `delivery,"My parcel ${number} has not arrived yet."`,
  ]).flat();
  await world.s3().send(new PutObjectCommand({ Bucket: bucket, Key: "rows.csv", Body: rows.join("\n") }));
  const policy = (Statement: object): string => JSON.stringify({ Version: "2012-10-17", Statement });
  const trust = { Effect: "Allow", Principal: { Service: "comprehend.amazonaws.com" }, Action: "sts:AssumeRole" };
  await world.iam().send(new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: policy(trust) }));
  const may = { Effect: "Allow", Action: ["s3:GetObject", "s3:ListBucket"], Resource: "*" };
  await world.iam().send(new PutRolePolicyCommand({ RoleName: role, PolicyName: "read", PolicyDocument: policy(may) }));
  const { DocumentClassifierArn } = await world.comprehend().send(
    new CreateDocumentClassifierCommand({
      DocumentClassifierName: NAME,
      DataAccessRoleArn: `arn:aws:iam::000000000001:role/${role}`,
      InputDataConfig: { S3Uri: `s3://${bucket}/rows.csv` },
      LanguageCode: "en",
    }),
  );
  const describe = new DescribeDocumentClassifierCommand({ DocumentClassifierArn });
  await expect
    .poll(async () => (await world.comprehend().send(describe)).DocumentClassifierProperties?.Status, {
      timeout: TRAINING_MILLISECONDS,
    })
    .toBe("TRAINED");
}

test("an endpoint is created, tried, watched, updated and deleted", async ({ signedIn: page, world }, info) => {
  test.setTimeout(240_000);
  await train(world);
  await page.goto("/model-endpoints");
  await expect(page.getByText("No model endpoints", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Create endpoint" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog.getByText("Enter a name.")).toBeVisible();
  await expect(dialog.getByText("Choose a model.")).toBeVisible();
  await expectAccessibleInBothThemes(page);
  await dialog.getByLabel("Endpoint name").fill(ENDPOINT);
  await choose(page, "Model", new RegExp(NAME));
  await dialog.getByLabel("Inference units").fill("2");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();

  const row = page.getByRole("row", { name: new RegExp(ENDPOINT) });
  await expect(row).toContainText("In service");
  await row.getByRole("radio").click();
  await page.getByLabel("Text", { exact: true }).fill(`Where is my parcel? ${"It has not arrived. ".repeat(60)}`);
  await page.getByRole("button", { name: "Classify" }).click();
  await expect(page.getByText(/^Answered in/)).toBeVisible();
  await expect(page.locator("dl.score-bar dt").first()).toHaveText("delivery");
  // 1,220 characters within a minute are 0.2 units.
  await expect(row).toContainText("0.2");
  await expectAccessibleInBothThemes(page);
  await page.screenshot({ path: info.outputPath("endpoints.png"), fullPage: true });

  await page.getByRole("button", { name: "Update", exact: true }).click();
  await expect(dialog.getByRole("button", { name: "Update", exact: true })).toBeDisabled();
  await dialog.getByLabel("Inference units").fill("37");
  await dialog.getByRole("button", { name: "Update", exact: true }).click();
  await expect(row.getByRole("cell", { name: "37", exact: true })).toHaveCount(2);

  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await dialog.getByRole("textbox").fill(ENDPOINT);
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("No model endpoints", { exact: true })).toBeVisible();
});

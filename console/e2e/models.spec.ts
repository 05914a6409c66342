import { DescribeDocumentClassifierCommand, StartDocumentClassificationJobCommand } from "@aws-sdk/client-comprehend";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { NETWORK_ACTIONS } from "../src/create/parts/vpc";
import type { World } from "./world";
import { expect, expectAccessible, expectAccessibleInBothThemes, test } from "./world";

// A second try finds what the first one created.
const TRY = Date.now();
const BUCKET = `models-spec-${TRY}`;
const ROLE = `models-spec-reader-${TRY}`;
const NAME = `tickets-${TRY}`;

const PHRASES = {
  billing: ["the invoice is wrong", "I was charged twice", "refund my payment"],
  delivery: ["my parcel has not arrived", "the courier left it outside", "the tracking shows nothing"],
};

/** A bucket with training data, and a role that may read it and write beside it. */
async function prepare(world: World): Promise<void> {
  const s3 = world.s3();
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const rows = Object.entries(PHRASES).flatMap(([label, phrases]) =>
    Array.from({ length: 20 }, (_, index) => `${label},"${phrases[index % 3]}, it is number ${index}"`),
  );
  const put = (name: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `training/${name}`, Body }));
  await put("tickets.csv", rows.join("\n"));
  await put("semicolons.csv", rows.map((row) => row.replace(",", ";")).join("\n"));
  const trust = { Effect: "Allow", Principal: { Service: "comprehend.amazonaws.com" }, Action: "sts:AssumeRole" };
  const may = {
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
    Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`],
  };
  const network = { Effect: "Allow", Action: NETWORK_ACTIONS, Resource: "*" };
  const policy = (...Statement: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement });
  const iam = world.iam();
  await iam.send(new CreateRoleCommand({ RoleName: ROLE, AssumeRolePolicyDocument: policy(trust) }));
  await iam.send(
    new PutRolePolicyCommand({ RoleName: ROLE, PolicyName: "training", PolicyDocument: policy(may, network) }),
  );
}

/** Start a job with a model in the VPC that it was trained in. Returns the job's id. */
async function classify(world: World, DocumentClassifierArn: string): Promise<string> {
  const comprehend = world.comprehend();
  const { DocumentClassifierProperties: model } = await comprehend.send(
    new DescribeDocumentClassifierCommand({ DocumentClassifierArn }),
  );
  if (model?.VpcConfig === undefined) throw new Error("the model was not trained in a VPC");
  const { JobId } = await comprehend.send(
    new StartDocumentClassificationJobCommand({
      DocumentClassifierArn,
      InputDataConfig: { S3Uri: `s3://${BUCKET}/training/tickets.csv`, InputFormat: "ONE_DOC_PER_LINE" },
      OutputDataConfig: { S3Uri: `s3://${BUCKET}/results/` },
      DataAccessRoleArn: `arn:aws:iam::000000000001:role/${ROLE}`,
      VpcConfig: model.VpcConfig,
    }),
  );
  return JobId ?? "";
}

test("a form that was left half filled in says so, and can be discarded", async ({ signedIn: page }) => {
  await page.goto("/models/create-classifier");
  await page.getByLabel("Model name").fill("half");
  const above = page.getByRole("link", { name: "Custom models" }).first();
  await above.click();
  await page.getByRole("link", { name: "Train a classifier" }).click();
  const notice = page.getByText("This is the form as you left it");
  await expect(notice).toBeVisible();
  await expect(page.getByLabel("Model name")).toHaveValue("half");
  await page.getByRole("button", { name: "Discard and start again" }).click();
  await expect(page.getByLabel("Model name")).toHaveValue("");
  await expect(notice).toHaveCount(0);
  await above.click();
  await page.getByRole("link", { name: "Train a classifier" }).click();
  await expect(page.getByLabel("Model name")).toHaveValue("");
  await expect(notice).toHaveCount(0);
});

test("a classifier is trained in a VPC that is built for it, read, tagged, shared, copied and deleted", async ({
  signedIn: page,
  world,
}) => {
  test.setTimeout(240_000);
  await prepare(world);
  await page.goto("/models");
  await page.getByRole("link", { name: "Train a classifier" }).click();
  await expect(page.getByRole("heading", { name: "Train a classifier", level: 1 })).toBeVisible();

  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Enter a name.", { exact: true })).toBeVisible();
  await expectAccessibleInBothThemes(page);

  await page.getByLabel("Model name").fill(NAME);
  await page.getByLabel("Version name").fill("v1");
  const dataset = page.getByLabel("Training dataset", { exact: true });
  await dataset.fill(`s3://${BUCKET}/training/semicolons.csv`);
  await expect(page.getByText("Is this file correct?")).toBeVisible();
  await expect(page.getByText("separates its columns with semicolons")).toBeVisible();
  await dataset.fill(`s3://${BUCKET}/training/tickets.csv`);
  const rows = page.getByRole("table", { name: "The first rows of the file" });
  await expect(rows.getByRole("columnheader")).toHaveText(["Label", "Text"]);
  await expect(rows.getByRole("row").nth(1).getByRole("cell")).toHaveText([
    "billing",
    "the invoice is wrong, it is number 0",
  ]);
  await expect(page.getByText("Is this file correct?")).toHaveCount(0);
  await page.getByLabel("Output location", { exact: true }).fill(`s3://${BUCKET}/models`);
  await page.getByRole("radio", { name: "Enter the ARN of a role" }).click();
  await page.getByLabel("Role ARN").fill(`arn:aws:iam::000000000001:role/${ROLE}`);
  await page.getByRole("button", { name: /^VPC settings/ }).click();
  await page.getByRole("link", { name: "Build a private VPC" }).first().click();
  await page.getByRole("button", { name: "Build private VPC" }).click();
  await expect(page.getByText("The private VPC is ready")).toBeVisible({ timeout: 20_000 });
  await page.getByRole("link", { name: "Go on with the job" }).click();
  await expect(page.getByRole("button", { name: /^Remove subnet-/ })).toHaveCount(2);
  await expect(page.getByTestId("preflight")).toContainText("Nothing stands in the way", { timeout: 20_000 });
  await page.getByRole("button", { name: "Create", exact: true }).click();

  await expect(page.getByRole("heading", { name: `${NAME} · v1`, level: 1 })).toBeVisible();
  await page.getByRole("tab", { name: "Training", exact: true }).click();
  await expect(page.getByRole("list", { name: "Events, oldest first" })).toContainText("submitted");
  await page.getByRole("tab", { name: "Overview" }).click();
  await expect(page.getByText("Trained", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expectAccessibleInBothThemes(page);

  const JobId = await classify(world, new URL(page.url()).searchParams.get("arn") ?? "");

  await page.getByRole("tab", { name: "Metrics" }).click();
  await expect(page.getByRole("rowheader", { name: "Hamming loss" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Confusion matrix" }).getByRole("columnheader")).toHaveText([
    /Actual/,
    "billing",
    "delivery",
  ]);
  await expectAccessibleInBothThemes(page);

  await page.getByRole("tab", { name: "Tags" }).click();
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByLabel("Key of tag 1").fill("team");
  await page.getByLabel("Value of tag 1").fill("<b>bold</b>");
  await page.getByRole("button", { name: "Save tags" }).click();
  await expect(page.getByText("The model's tags are changed.")).toBeVisible();

  await page.getByRole("tab", { name: "Policy" }).click();
  await page.getByRole("button", { name: "Create policy" }).click();
  await page.getByRole("textbox", { name: "Policy" }).fill('{"Statement": [{"Effect": "Allow"}]}');
  await expect(page.getByTestId("policy-problem")).toContainText("Statement 1: Principal is missing");
  await page.getByRole("button", { name: "Insert an example" }).click();
  await page.getByRole("button", { name: "Save policy" }).click();
  await expect(page.getByText("The model's policy is saved.")).toBeVisible();
  await expect(page.getByText("comprehend:ImportModel", { exact: false }).first()).toBeVisible();

  await page.getByRole("button", { name: "Copy the model", exact: true }).click();
  await page.getByLabel("Version name").fill("v2");
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page.getByRole("heading", { name: `${NAME} · v2`, level: 1 })).toBeVisible();
  await expect(page.getByText("Imported from")).toBeVisible();
  await page.getByRole("tab", { name: "Versions" }).click();
  for (const version of [/v1/, /v2/])
    await page.getByRole("row", { name: version }).getByRole("checkbox").check({ force: true });
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Compare models", level: 1 })).toBeVisible();
  await expect(page.getByRole("row", { name: /Accuracy/ })).toContainText("the same");
  await expect(page.getByText("v2 has no scores by label")).toBeVisible();
  await expect(page.getByRole("row", { name: /billing/ })).toContainText("only in v1");
  await expectAccessibleInBothThemes(page);
  await page.goBack();

  await page.getByRole("button", { name: "Delete", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
  await dialog.getByRole("textbox").fill(`${NAME}/v2`);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/models$/);
  await expect(page.getByRole("row", { name: `${NAME} v2` })).toHaveCount(0, { timeout: 20_000 });
  await expect(page.getByRole("row", { name: `${NAME} v1` })).toBeVisible();
  await expectAccessible(page);

  await page.goto(`/jobs/classification/${JobId}`);
  await expect(page.getByText("Completed", { exact: true })).toBeVisible({ timeout: 60_000 });
});

test("a failed training says what to change", async ({ signedIn: page }) => {
  test.setTimeout(120_000);
  await page.goto("/models/create-recognizer");
  await page.getByLabel("Model name").fill(`engineers-${TRY}`);
  await page.getByLabel("Type 1", { exact: true }).fill("ENGINEER");
  await page.getByLabel("Annotations", { exact: true }).fill("s3://no-such-bucket-here/annotations.csv");
  await page.getByLabel("Training documents", { exact: true }).fill("s3://no-such-bucket-here/reports.txt");
  await page.getByRole("radio", { name: "Enter the ARN of a role" }).click();
  await page.getByLabel("Role ARN").fill("arn:aws:iam::000000000001:role/no-such-role");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("button", { name: "Create anyway" }).click();
  await expect(page.getByTestId("failure")).toContainText("ROLE_NOT_ASSUMABLE", { timeout: 50_000 });
  await expectAccessibleInBothThemes(page);
  await page.getByRole("link", { name: "Train again" }).click();
  await expect(page.getByLabel("Model name")).toHaveValue(`engineers-${TRY}-copy`);
  await expect(page.getByLabel("Type 1", { exact: true })).toHaveValue("ENGINEER");
  await expect(page.getByLabel("Annotations", { exact: true })).toHaveValue("s3://no-such-bucket-here/annotations.csv");
});

test("an address that is not that of a model says so", async ({ signedIn: page }) => {
  await page.goto('/models/view?arn="><script>alert(1)</script>');
  await expect(page.getByText("This address is not that of a model")).toBeVisible();
  await page.goto("/models/view?arn=arn:aws:comprehend:us-east-1:000000000001:document-classifier/gone");
  await expect(page.getByText("This model does not exist")).toBeVisible();
});

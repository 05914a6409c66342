import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
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
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "training/tickets.csv", Body: rows.join("\n") }));
  const trust = { Effect: "Allow", Principal: { Service: "comprehend.amazonaws.com" }, Action: "sts:AssumeRole" };
  const may = {
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
    Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`],
  };
  const policy = (statement: object): string => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  const iam = world.iam();
  await iam.send(new CreateRoleCommand({ RoleName: ROLE, AssumeRolePolicyDocument: policy(trust) }));
  await iam.send(new PutRolePolicyCommand({ RoleName: ROLE, PolicyName: "training", PolicyDocument: policy(may) }));
}

test("a classifier is trained, read, tagged, shared, copied and deleted", async ({ signedIn: page, world }) => {
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
  await page.getByLabel("Training dataset", { exact: true }).fill(`s3://${BUCKET}/training/tickets.csv`);
  await page.getByLabel("Output location", { exact: true }).fill(`s3://${BUCKET}/models`);
  await page.getByRole("radio", { name: "Enter the ARN of a role" }).click();
  await page.getByLabel("Role ARN").fill(`arn:aws:iam::000000000001:role/${ROLE}`);
  await expect(page.getByTestId("preflight")).toContainText("Nothing stands in the way", { timeout: 20_000 });
  await page.getByRole("button", { name: "Create", exact: true }).click();

  await expect(page.getByRole("heading", { name: `${NAME} · v1`, level: 1 })).toBeVisible();
  await page.getByRole("tab", { name: "Training", exact: true }).click();
  await expect(page.getByRole("list", { name: "Events, oldest first" })).toContainText("submitted");
  await page.getByRole("tab", { name: "Overview" }).click();
  await expect(page.getByText("Trained", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expectAccessibleInBothThemes(page);

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
  await expect(page.getByRole("row", { name: /v1/ })).toBeVisible();

  await page.getByRole("button", { name: "Delete", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
  await dialog.getByRole("textbox").fill(`${NAME}/v2`);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/models$/);
  await expect(page.getByRole("row", { name: /v2/ })).toHaveCount(0, { timeout: 20_000 });
  await expect(page.getByRole("row", { name: /v1/ })).toBeVisible();
  await expectAccessible(page);
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

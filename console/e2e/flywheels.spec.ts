import { rows, seedLake } from "./wheels";
import { choose, expect, expectAccessibleInBothThemes, test } from "./world";

// A second try finds what the first one created.
const NAME = `mail-${Date.now()}`;
const TRAINING_MILLISECONDS = 120_000;

test("a flywheel is created, fed, turned, and its new model made active", async ({ signedIn: page, world }, info) => {
  test.setTimeout(300_000);
  await seedLake(world, NAME, { "rows.csv": rows(60) });
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const stage = (id: string) => page.getByTestId(`stage-${id}`);

  await page.goto("/flywheels/create");
  await button("Create").click();
  await expect(page.getByText("Enter a name.")).toBeVisible();
  await page.getByLabel("Flywheel name").fill(NAME);
  await page.getByRole("textbox", { name: "Location of the data lake" }).fill(`s3://${NAME}/lake/`);
  await page.getByLabel("Use an existing IAM role").check();
  await choose(page, "Role name", NAME);
  await expectAccessibleInBothThemes(page);
  await button("Create").click();

  await expect(page.getByRole("heading", { level: 1, name: NAME })).toBeVisible();
  await expect(stage("lake")).toContainText("Made");
  await expect(stage("endpoints")).toContainText("None follow");
  await expect(button("Start iteration")).toBeDisabled();

  await page.getByRole("link", { name: "Add dataset" }).first().click();
  await page.getByLabel("Dataset name").fill("june");
  await page.getByRole("textbox", { name: "Rows" }).fill(`s3://${NAME}/rows.csv`);
  await expectAccessibleInBothThemes(page);
  await button("Create").click();
  await expect(stage("datasets")).toContainText("1 for training: 60 documents");

  await button("Start iteration").click();
  await expect(stage("iteration")).toContainText("Training");
  await expect(stage("evaluation")).toContainText("Completed", { timeout: TRAINING_MILLISECONDS });
  await expect(stage("evaluation")).toContainText("F1 of the new model");
  await expect(page.getByRole("row", { name: /^F1 score/ })).toBeVisible();

  await button("Make active").click();
  await page.getByRole("dialog").getByRole("button", { name: "Make active" }).click();
  await expect(stage("active")).toContainText(`${NAME} · Comprehend-Generated-v1-`);
  await expectAccessibleInBothThemes(page);
  await page.screenshot({ path: info.outputPath("flywheel.png"), fullPage: true });

  await button("Delete").click();
  await page.getByRole("dialog").getByRole("textbox").fill(NAME);
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Flywheels" })).toBeVisible();
  await expect(page.getByRole("row", { name: new RegExp(NAME) })).toHaveCount(0);
});

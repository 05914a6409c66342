import { join } from "node:path";
import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import type { Page } from "@playwright/test";
import { refusedRequest } from "./seeds";
import { turnedFlywheel } from "./wheels";
import { expect, test } from "./world";

/** The pictures of the documents, taken again by `make pictures`; PICTURES is their folder. */
const FOLDER = process.env["PICTURES"] ?? "";

test.skip(FOLDER === "", "only make pictures makes pictures");
test.use({ viewport: { width: 1280, height: 860 }, deviceScaleFactor: 1 });

async function take(page: Page, name: string): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.mouse.move(0, 0);
  // A picture of a page with an error would be wrong.
  await expect(page.getByTestId("error")).toHaveCount(0);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: "disabled" });
}

test("jobs, one job, its results", async ({ signedIn: page, world }) => {
  const id = world.product.jobs.entities;
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Reading Room", level: 1 })).toBeVisible();
  await take(page, "home");
  await page.goto("/jobs");
  await expect(page.getByText("Completed").filter({ visible: true }).first()).toBeVisible();
  await take(page, "jobs");
  await page.goto(`/jobs/entities/${id}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await take(page, "job");
  await page.goto(`/jobs/entities/${id}/results`);
  await page.getByRole("tab", { name: /^Documents/ }).click();
  await expect(page.getByTestId("document-text").locator("mark").first()).toBeVisible();
  await take(page, "results");
});

test("the form of a job, and the network", async ({ signedIn: page, world }) => {
  await page.goto(`/jobs/create?copy=entities/${world.product.jobs.entities}`);
  await page.setViewportSize({ width: 1280, height: 1600 });
  await expect(page.getByTestId("preflight")).toContainText("Nothing stands in the way", { timeout: 15_000 });
  await page
    .getByText("VPC settings - optional")
    .first()
    .evaluate((heading) => heading.scrollIntoView());
  await take(page, "create-job");
  await page.setViewportSize({ width: 1280, height: 860 });
  const { Vpcs } = await world.ec2().send(new DescribeVpcsCommand({}));
  expect(Vpcs?.length).toBeGreaterThan(1);
  await page.goto("/vpc/map");
  await expect(page.getByText("vpc-").first()).toBeVisible();
  await take(page, "map");
});

test("a flywheel", async ({ signedIn: page, world }) => {
  test.setTimeout(600_000);
  const arn = await turnedFlywheel(world, "mail");
  await page.goto(`/flywheels/view?${new URLSearchParams({ arn })}`);
  await expect(page.getByTestId("stage-evaluation")).toContainText("F1 of the active model");
  await expect(page.getByTestId("stage-endpoints")).toContainText("In service");
  await take(page, "flywheel");
});

test("a denial, explained", async ({ signedIn: page, world }) => {
  const { id } = await refusedRequest(world);
  await page.goto(`/access/explain/${id}`);
  await expect(page.getByText("implicitDeny: no statement allows it")).toBeVisible();
  await take(page, "explain");
});

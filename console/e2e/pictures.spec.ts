import { join } from "node:path";
import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { CreateRoleCommand } from "@aws-sdk/client-iam";
import type { Page } from "@playwright/test";
import { expect, test } from "./world";

/** The pictures of the documents, made anew by `make pictures`; PICTURES is their folder. */
const FOLDER = process.env["PICTURES"] ?? "";

test.skip(FOLDER === "", "only make pictures makes pictures");
test.use({ viewport: { width: 1280, height: 860 }, deviceScaleFactor: 1 });

async function take(page: Page, name: string): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: "disabled" });
}

test("jobs, one job, its results", async ({ signedIn: page, world }) => {
  const id = world.product.jobs.entities;
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Reading Room", level: 1 })).toBeVisible();
  await take(page, "home");
  await page.goto("/jobs");
  await expect(page.getByText("Completed").first()).toBeVisible();
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
  await page.goto("/jobs/create");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await take(page, "create-job");
  const { Vpcs } = await world.ec2().send(new DescribeVpcsCommand({}));
  expect(Vpcs?.length).toBeGreaterThan(1);
  await page.goto("/vpc/map");
  await expect(page.getByText("vpc-").first()).toBeVisible();
  await take(page, "map");
});

test("a denial, explained", async ({ signedIn: page, world }) => {
  const nobody = { Version: "2012-10-17", Statement: [] };
  const wrong = world
    .iam()
    .send(new CreateRoleCommand({ RoleName: "x", AssumeRolePolicyDocument: JSON.stringify(nobody) }));
  await expect(wrong).rejects.toThrow();
  await page.goto("/access/explain");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await take(page, "explain");
});

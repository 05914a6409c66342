import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import { archiveOf, lines } from "../tests/results/archives";
import { seededJob, startLike, startLong, stopJob, withResults } from "./seeds";
import { choose, expect, expectAccessible, expectAccessibleInBothThemes, test } from "./world";

test("the home page shows what runs, and how it ends, without a reload", async ({ signedIn: page, world }, info) => {
  const name = `e2e-home-${Date.now()}`;
  const id = await startLong(world, name);
  await page.goto("/");
  const row = page.getByRole("row").filter({ hasText: name });
  await expect(row).toContainText("In progress");
  await expectAccessibleInBothThemes(page);
  await page.screenshot({ path: info.outputPath("home.png"), fullPage: true });
  await stopJob(world, id);
  await expect(row).toContainText("Stopped", { timeout: 30_000 });
  await expect(row.getByRole("button", { name: `Run ${name} again` })).toBeVisible();
  await page.setViewportSize({ width: 400, height: 800 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
});

test("a job runs again with one click, and both results are compared", async ({ signedIn: page, world }, info) => {
  const job = await seededJob(world);
  await page.goto(`/jobs/entities/${job.id}`);
  await page.getByRole("button", { name: "Run again" }).click();
  await expect(page).not.toHaveURL(new RegExp(job.id), { timeout: 20_000 });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Job [0-9a-f]+$/);
  await expect(page.getByText("Completed", { exact: true })).toBeVisible({ timeout: 60_000 });
  const again = new URL(page.url()).pathname.split("/").at(-1) ?? "";

  await page.getByRole("link", { name: "Compare", exact: true }).click();
  await choose(page, "Compared with", job.name);
  await expect(page.getByText("No document differs.")).toBeVisible();

  const entity = { BeginOffset: 0, EndOffset: 11, Score: 0.9, Text: "Marie Curie", Type: "ORGANIZATION" };
  const changed = archiveOf({ name: "output", content: lines({ Entities: [entity], File: "curie.txt" }) });
  await withResults(world, job, { name: "beside.txt", content: "" }, changed, async () => {
    await page.goto(`/jobs/compare?kind=entities&one=${again}&other=${job.id}`);
    const document = page.getByRole("row").filter({ hasText: "curie.txt" });
    await expect(document).toContainText("Warsaw");
    await expect(document).toContainText("PERSON→ became ORGANIZATION");
    await expect(page.getByRole("row").filter({ hasText: "LOCATION" }).first()).toContainText("-");
    await expectAccessibleInBothThemes(page);
    await page.screenshot({ path: info.outputPath("compare.png"), fullPage: true });
  });
});

test("a job whose security group is gone asks only for a network", async ({ signedIn: page, world }, info) => {
  const job = await seededJob(world);
  const ec2 = world.ec2();
  const GroupName = `e2e-again-${Date.now()}`;
  const { GroupId = "" } = await ec2.send(
    new CreateSecurityGroupCommand({ GroupName, Description: "of one job", VpcId: job.vpc }),
  );
  const everything = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [everything] }));
  const VpcConfig = { Subnets: job.network.Subnets, SecurityGroupIds: [GroupId] };
  const id = await startLike(world, job, { JobName: GroupName, VpcConfig });
  await page.goto(`/jobs/entities/${id}`);
  await expect(page.getByTestId("failure")).toContainText("NO_ROUTE_TO_STORAGE", { timeout: 20_000 });
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));

  await page.getByRole("button", { name: "Run again" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Its VPC is not as it was");
  await expect(dialog).toContainText(GroupId);
  await expect(dialog.getByText("Role name")).toHaveCount(0);
  await choose(page, "VPC", new RegExp(job.vpc));
  await choose(page, "Subnets", new RegExp(job.network.Subnets?.[0] ?? ""));
  await page.keyboard.press("Tab");
  await choose(page, "Security groups", new RegExp(job.network.SecurityGroupIds?.[0] ?? ""));
  await page.keyboard.press("Tab");
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath("again.png") });
  await dialog.getByRole("button", { name: "Run again" }).click();
  await expect(page).not.toHaveURL(new RegExp(id), { timeout: 20_000 });
  await expect(page.getByText("Completed", { exact: true })).toBeVisible({ timeout: 60_000 });
});

test("several analyses of one input are one form and one page", async ({ signedIn: page, world }, info) => {
  const job = await seededJob(world);
  const { Subnets = [], SecurityGroupIds = [] } = job.network;
  const given = { vpc: job.vpc, subnets: Subnets.join(","), groups: SecurityGroupIds.join(","), input: job.input };
  await page.goto(`/jobs/create-several?${new URLSearchParams(given)}`);
  await page.getByRole("button", { name: /^Create \d jobs$/ }).click();
  await expect(page.getByText("Correct what is marked above").first()).toBeVisible();
  await page.getByLabel("Name - optional").first().fill("together");
  for (const kind of ["Key phrases", "Targeted sentiment", "Topic modeling", "Sentiment", "Events"])
    await page.getByRole("checkbox", { name: new RegExp(`^${kind}`) }).uncheck({ force: true });
  await page.getByLabel("Output S3 location", { exact: true }).fill(`s3://${job.bucket}/together/`);
  await page.getByRole("radio", { name: "Enter the ARN of a role" }).click();
  await page.getByLabel("Role ARN").fill(job.roleArn);
  await expect(page.getByTestId("preflight")).toContainText("Nothing stands in the way", { timeout: 20_000 });
  await expectAccessibleInBothThemes(page);
  await page.screenshot({ path: info.outputPath("several-form.png"), fullPage: true });
  await page.getByRole("button", { name: "Create 3 jobs" }).click();
  await expect(page).toHaveURL(/\/jobs\/several\?job=/, { timeout: 20_000 });
  await expect(page.getByText("All 3 have completed")).toBeVisible({ timeout: 90_000 });
  await expect(page.getByRole("row").filter({ hasText: "together-pii" })).toContainText("Personal data");
  await expect(page.getByRole("link", { name: /^Results of/ })).toHaveCount(3);
  await expectAccessibleInBothThemes(page);
  await page.screenshot({ path: info.outputPath("several.png"), fullPage: true });
});

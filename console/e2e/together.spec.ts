import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import { seededJob, startLike } from "./seeds";
import { choose, expect, expectAccessible, test } from "./world";

test("a job runs again with one click", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  await page.goto(`/jobs/entities/${job.id}`);
  await page.getByRole("button", { name: "Run again" }).click();
  await expect(page).not.toHaveURL(new RegExp(job.id), { timeout: 20_000 });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Job [0-9a-f]+$/);
  await expect(page.getByText("Completed", { exact: true })).toBeVisible({ timeout: 60_000 });
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

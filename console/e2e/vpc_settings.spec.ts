import { CreateSubnetCommand, CreateVpcCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import type { Locator, Page } from "@playwright/test";
import { makeUser, seededJob } from "./seeds";
import { expect, expectAccessible, keepSession, test, type World } from "./world";

const ANYTHING = { Effect: "Allow", Action: "*", Resource: "*" };

/** The list of VPCs while none is chosen; the section's own header starts with the same word. */
const vpcList = (page: Page): Locator => page.getByRole("button", { name: /^VPC No VPC/ });

/** A VPC of dedicated tenancy with a subnet: their ids. */
async function dedicated(world: World): Promise<readonly [vpc: string, subnet: string]> {
  const { Vpc } = await world
    .ec2()
    .send(new CreateVpcCommand({ CidrBlock: "10.88.0.0/16", InstanceTenancy: "dedicated" }));
  const { Subnet } = await world.ec2().send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: "10.88.1.0/24" }));
  return [Vpc?.VpcId ?? "", Subnet?.SubnetId ?? ""];
}

test("a VPC of dedicated tenancy cannot be chosen, and if the address has one, the reason is shown", async ({
  signedIn: page,
  world,
}) => {
  const [vpc, subnet] = await dedicated(world);
  await page.goto("/jobs/create");
  await page.getByRole("button", { name: /^VPC settings/ }).click();
  await vpcList(page).click();
  const option = page.getByRole("option", { name: new RegExp(vpc) });
  await expect(option).toHaveAttribute("aria-disabled", "true");
  await option.hover();
  await expect(page.getByText("Dedicated tenancy: jobs run only in a VPC").filter({ visible: true })).not.toHaveCount(
    0,
  );
  await page.keyboard.press("Escape");

  await page.goto(`/jobs/create?subnets=${subnet}&groups=sg-0123456789abcdef0`);
  await expect(page.getByRole("button", { name: new RegExp(`^VPC.*${vpc}`) })).toBeVisible();
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page.getByText(`${vpc} has dedicated tenancy.`).first()).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Clear VPC" }).click();
  await expect(vpcList(page)).toBeVisible();
});

test("a user who may not list VPCs types the ids, and the request has them", async ({ visitor: page, world }) => {
  const job = await seededJob(world);
  const user = `vpc-blind-${Date.now()}`;
  const keys = await makeUser(world, user, ANYTHING, {
    Effect: "Deny",
    Action: ["ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"],
    Resource: "*",
  });
  await expect(world.as(keys).ec2().send(new DescribeVpcsCommand({}))).rejects.toThrow(/not authorized/);
  await keepSession(page, keys, user);
  await page.goto("/jobs/create");
  await page.getByRole("button", { name: /^VPC settings/ }).click();
  await expect(page.getByText("The VPCs cannot be listed: UnauthorizedOperation").first()).toBeVisible();
  await expectAccessible(page);
  const subnets = page.getByLabel("Subnets", { exact: true });
  await subnets.fill("no subnet!");
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page.getByText('"subnet!" is not the id of a subnet').first()).toBeVisible();
  await subnets.fill((job.network.Subnets ?? []).join(", "));
  await page.getByLabel("Security groups", { exact: true }).fill((job.network.SecurityGroupIds ?? []).join(", "));
  await page.getByRole("button", { name: /The same request as code/ }).click();
  const code = page.getByRole("region", { name: "The request for the AWS CLI" });
  for (const id of [...(job.network.Subnets ?? []), ...(job.network.SecurityGroupIds ?? [])]) {
    await expect(code).toContainText(id);
  }
});

test("a user who may not list subnets sees the reason at the list", async ({ visitor: page, world }) => {
  const { vpc } = await seededJob(world);
  const user = `subnet-blind-${Date.now()}`;
  const keys = await makeUser(world, user, ANYTHING, {
    Effect: "Deny",
    Action: "ec2:DescribeSubnets",
    Resource: "*",
  });
  await keepSession(page, keys, user);
  await page.goto("/jobs/create");
  await page.getByRole("button", { name: /^VPC settings/ }).click();
  await vpcList(page).click();
  await page.getByRole("option", { name: new RegExp(vpc) }).click();
  await page.getByRole("button", { name: /^Subnets/ }).click();
  await expect(page.getByText(/^UnauthorizedOperation: /).filter({ visible: true })).not.toHaveCount(0);
});

import {
  CreateNetworkInterfaceCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { CreateRoleCommand } from "@aws-sdk/client-iam";
import { expect, expectAccessible, test } from "./world";

const NAME = `e2e-${Date.now().toString(36)}`;

test.describe.configure({ mode: "serial" });

test("a private VPC is built step by step, and the form returns to where the user came from", async ({
  signedIn: page,
  world,
}) => {
  await page.goto("/vpc/create?return=/jobs/create");
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByRole("textbox", { name: "Buckets" }).fill("");
  await page.getByRole("button", { name: "Build private VPC" }).click();
  await expect(page.getByText("Enter the buckets that jobs read and write")).toBeVisible();
  await page.getByRole("textbox", { name: "Buckets" }).fill("e2e-documents");
  await expect(page.getByText("to e2e-documents, and to this account's custom models.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Build private VPC" }).click();
  await expect(page.getByText("The private VPC is ready")).toBeVisible({ timeout: 20_000 });
  const next = page.getByRole("link", { name: "Go on with the job" });
  await expect(next).toHaveAttribute(
    "href",
    /^\/jobs\/create\?vpc=vpc-\w+&subnets=subnet-\w+%2Csubnet-\w+&groups=sg-\w+$/,
  );
  const { VpcEndpoints } = await world.ec2().send(new DescribeVpcEndpointsCommand({}));
  const made = VpcEndpoints?.find((each) => each.Tags?.some((tag) => tag.Value === `${NAME} S3`));
  expect(made?.PolicyDocument).toContain("arn:aws:s3:::e2e-documents/*");
  expect(made?.PolicyDocument).toContain("aws:PrincipalAccount");
});

test("private VPCs that are built with the defaults, one after the other, have nothing in common", async ({
  signedIn: page,
  world,
}) => {
  const defaults: string[][] = [];
  for (const _ of ["the first", "the second"]) {
    await page.goto("/vpc/create?bucket=e2e-documents");
    await expect(page.getByRole("button", { name: "Build private VPC" })).toBeEnabled();
    const fields = ["Name", "CIDR block", "Log group", "Name of the new role"];
    defaults.push(await Promise.all(fields.map((field) => page.getByLabel(field, { exact: true }).inputValue())));
    await page.getByRole("button", { name: "Build private VPC" }).click();
    await expect(page.getByText("The private VPC is ready")).toBeVisible({ timeout: 20_000 });
  }
  const [first = [], second = []] = defaults;
  for (const [at, value] of first.entries()) expect(second[at]).not.toBe(value);
  const blocks = [first[1] ?? "", second[1] ?? ""];
  const { Vpcs = [] } = await world
    .ec2()
    .send(new DescribeVpcsCommand({ Filters: [{ Name: "cidr-block", Values: blocks }] }));
  expect(Vpcs.map(({ CidrBlock }) => CidrBlock).sort()).toEqual(blocks.sort());
});

test("a failure halfway shows what exists and removes it", async ({ signedIn: page, world }) => {
  await page.goto("/vpc/create");
  await page.getByLabel("Name", { exact: true }).fill(`${NAME}-again`);
  await page.getByRole("textbox", { name: "Buckets" }).fill("e2e-documents");
  // A role that delivers flow logs would be used; a role for another purpose is not changed.
  const RoleName = `${NAME}-other`;
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  await world.iam().send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  await page.getByLabel("Name of the new role").fill(RoleName);
  await page.getByRole("button", { name: "Build private VPC" }).click();
  await expect(page.getByText("already exists for another purpose", { exact: false }).first()).toBeVisible({
    timeout: 20_000,
  });
  await page.getByRole("button", { name: "Remove it" }).click();
  await expect(page.getByText("Everything was removed.")).toBeVisible({ timeout: 20_000 });
});

test("the map shows it, and so does its text", async ({ signedIn: page }) => {
  await page.goto("/vpc/vpcs");
  await page.getByLabel("Filter VPCs").fill(NAME);
  await expect(page.getByText("1 match", { exact: true }).first()).toBeVisible();
  await page.getByRole("link", { name: /^vpc-/ }).first().click();
  // The page's own link: the one in the navigation shows the first VPC.
  await page.locator('a[href^="/vpc/map?vpc="]').click();
  const map = page.locator(".vpc-map");
  await expect(map.getByText("gateway endpoint of s3")).toBeVisible();
  await expect(page.getByText(/which leads pl-\w+ to vpce-/).first()).toBeVisible();
  const vpc = map.getByRole("link", { name: new RegExp(NAME) }).first();
  await vpc.focus();
  await page.keyboard.press("ArrowRight");
  await expect(map.getByRole("link", { name: /^subnet-/ }).first()).toBeFocused();
  await expect(map.locator("path.on").first()).toBeAttached();
  await expectAccessible(page);
});

test("reachability names the rule and the endpoint on the path to S3", async ({ signedIn: page, world }) => {
  const { Subnets } = await world
    .ec2()
    .send(new DescribeSubnetsCommand({ Filters: [{ Name: "tag:Name", Values: [`${NAME} 1`] }] }));
  // An interface with the default group, which allows all outbound traffic.
  const { NetworkInterface } = await world
    .ec2()
    .send(new CreateNetworkInterfaceCommand({ SubnetId: Subnets?.[0]?.SubnetId }));
  const id = NetworkInterface?.NetworkInterfaceId ?? "";
  await page.goto(`/vpc/reachability?source=${id}`);
  await page.getByRole("button", { name: "Analyze" }).click();
  await expect(page.getByText("It is reachable")).toBeVisible({ timeout: 15_000 });
  await expect(page.getByText(/It is the rule sgr-/).first()).toBeVisible();
  await expect(page.getByRole("link", { name: /^vpce-/ }).first()).toBeVisible();
  await page.getByLabel("Destination port").fill("22");
  await page.getByRole("button", { name: "Analyze" }).click();
  await expect(page.getByText("It is not reachable.")).toBeVisible({ timeout: 15_000 });
  await expect(page.getByText("accepts only TCP to the ports 80 and 443")).toBeVisible();
  await expectAccessible(page);
});

test("a group's rules are edited, and its uses are shown before it is deleted", async ({ signedIn: page }) => {
  await page.goto("/vpc/security-groups");
  await page.getByLabel("Filter Security groups").fill(`${NAME} jobs`);
  await expect(page.getByText("1 match", { exact: true }).first()).toBeVisible();
  await page.getByRole("link", { name: /^sg-/ }).first().click();
  await page.getByRole("button", { name: "Add inbound rule" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Network", { exact: true }).fill("10.0.0.1/8");
  await form.getByRole("button", { name: "Save rule" }).click();
  await expect(form.getByText("Enter a network such as 10.0.0.0/16")).toBeVisible();
  await form.getByLabel("Network", { exact: true }).fill("10.9.0.0/16");
  await form.getByRole("button", { name: "Save rule" }).click();
  await expect(page.getByText("10.9.0.0/16")).toBeVisible();
  await page.goto("/vpc/vpcs");
  await page.getByLabel("Filter VPCs").fill(NAME);
  await expect(page.getByText("1 match", { exact: true }).first()).toBeVisible();
  await page.getByRole("link", { name: /^vpc-/ }).first().click();
  await page.getByRole("button", { name: "Delete", exact: true }).first().click();
  const question = page.getByRole("dialog");
  await expect(question.getByText(/^endpoint vpce-/)).toBeVisible();
  await expect(question.getByRole("button", { name: /^Delete all/ })).toBeDisabled();
  await expectAccessible(page);
});

test("the policy editor refuses an invalid policy, and saves a valid one", async ({ signedIn: page }) => {
  await page.goto("/vpc/endpoints");
  await page.getByLabel("Filter Endpoints").fill(`${NAME} S3`);
  await expect(page.getByText("1 match", { exact: true }).first()).toBeVisible();
  await page
    .getByRole("link", { name: /^vpce-/ })
    .first()
    .click();
  await page.getByRole("button", { name: "Edit policy" }).click();
  const editor = page.getByRole("textbox", { name: /^Policy of vpce-/ });
  await editor.focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText('{"Statement": []}');
  await expect(page.getByText("A policy needs a Statement.").last()).toBeVisible();
  await expect(page.getByRole("button", { name: "Save policy" })).toBeDisabled();
  await page.getByRole("button", { name: "Allow everything" }).click();
  await expect(page.getByText("takes effect with the next request")).toBeVisible();
});

test("a VPC is deleted with everything in it, which is shown first", async ({ signedIn: page, world }) => {
  await page.goto("/vpc/vpcs");
  await page.getByLabel("Filter VPCs").fill(NAME);
  await expect(page.getByText("1 match", { exact: true }).first()).toBeVisible();
  const link = page.getByRole("link", { name: /^vpc-/ }).first();
  const id = (await link.textContent()) ?? "";
  await link.click();
  await page.getByRole("button", { name: "Delete", exact: true }).first().click();
  const question = page.getByRole("dialog");
  await expect(question.getByText(/^subnet subnet-/).first()).toBeVisible();
  await question.getByRole("textbox").fill(id);
  await question.getByRole("button", { name: /^Delete all/ }).click();
  await expect(page.getByText(`${id} is deleted, with everything in it.`).first()).toBeVisible();
  await expect(world.ec2().send(new DescribeVpcsCommand({ VpcIds: [id] }))).rejects.toThrow(/does not exist/);
});

test("a resource that does not exist", async ({ signedIn: page }) => {
  await page.goto("/vpc/nonsense");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await page.goto("/vpc/vpcs/vpc-0123456789abcdef0");
  await expect(page.getByText("There is no VPC vpc-0123456789abcdef0.")).toBeVisible();
});

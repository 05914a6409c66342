import {
  DescribeManagedPrefixListsCommand,
  DescribeNatGatewaysCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import type { Locator, Page } from "@playwright/test";
import { choose, expect, expectAccessible, test } from "./world";

// One network, part by part, each with its form.
test.describe.configure({ mode: "serial" });

const NAME = `parts-${Date.now().toString(36)}`;

/** Open the form that a list's button opens. */
async function form(page: Page, path: string, button: string): Promise<Locator> {
  await page.goto(path);
  await page.getByRole("button", { name: button, exact: true }).first().click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Name – optional").or(dialog.getByLabel("Name", { exact: true }))).toBeVisible();
  return dialog;
}

/** The row of this test's resource in a list. */
const rowOf = (page: Page, kind: string, name = NAME): Locator =>
  page
    .getByRole("row")
    .filter({ hasText: name })
    .filter({ has: page.getByRole("link", { name: kind }) });

test("a VPC and a subnet in its first free block", async ({ signedIn: page }) => {
  const net = await form(page, "/vpc/vpcs", "Create VPC");
  await net.getByLabel("Name – optional").fill(NAME);
  await net.getByLabel("CIDR block").fill("10.0.0.0/8");
  await net.getByRole("button", { name: "Create VPC" }).click();
  await expect(net.getByText("Choose a size from /16")).toBeVisible();
  await net.getByLabel("CIDR block").fill("10.77.0.0/16");
  await net.getByRole("button", { name: "Create VPC" }).click();
  await expect(page.getByText("The VPC is created.").first()).toBeVisible();
  await expect(rowOf(page, "vpc-")).toContainText("10.77.0.0/16");

  const subnet = await form(page, "/vpc/subnets", "Create subnet");
  await subnet.getByLabel("Name – optional").fill(NAME);
  await choose(page, "VPC Choose", new RegExp(NAME));
  await expect(subnet.getByLabel("CIDR block")).toHaveValue("10.77.0.0/24");
  await subnet.getByRole("button", { name: "Create subnet" }).click();
  await expect(page.getByText("The subnet is created.").first()).toBeVisible();
  await expect(rowOf(page, "subnet-")).toContainText("10.77.0.0/24");
});

test("a DHCP option set is created, and assigned to the VPC together with DNS hostnames", async ({
  signedIn: page,
  world,
}) => {
  const set = await form(page, "/vpc/dhcp-options", "Create set");
  await set.getByLabel("Name – optional").fill(NAME);
  await set.getByLabel("Domain – optional").fill("e2e.internal");
  await set.getByRole("button", { name: "Create set" }).click();
  await expect(page.getByText("The set is created.").first()).toBeVisible();
  const row = rowOf(page, "dopt-");
  await expect(row).toContainText("AmazonProvidedDNS");
  await expect(row).toContainText("e2e.internal");
  const id = (await row.getByRole("link", { name: /^dopt-/ }).textContent()) ?? "";

  await page.goto("/vpc/vpcs");
  await rowOf(page, "vpc-").getByRole("link", { name: /^vpc-/ }).click();
  await page.getByRole("button", { name: "Edit", exact: true }).first().click();
  const edit = page.getByRole("dialog");
  await choose(page, "DHCP option set", id);
  await edit.getByLabel("DNS hostnames").check({ force: true });
  await expectAccessible(page);
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/^vpc-\w+ is changed\.$/).first()).toBeVisible();
  await expect(page.getByRole("link", { name: id })).toBeVisible();
  const { Vpcs } = await world.ec2().send(new DescribeVpcsCommand({ Filters: [{ Name: "tag:Name", Values: [NAME] }] }));
  expect(Vpcs?.[0]?.DhcpOptionsId).toBe(id);
});

test("an interface endpoint has private names and an interface in its subnet", async ({ signedIn: page, world }) => {
  const endpoint = await form(page, "/vpc/endpoints", "Create endpoint");
  await endpoint.getByLabel("Name – optional").fill(NAME);
  await endpoint.getByRole("radio", { name: "Interface" }).check({ force: true });
  await choose(page, "Service", /com\.amazonaws\.us-east-1\.comprehend$/);
  await choose(page, "VPC Choose", new RegExp(NAME));
  await endpoint.getByRole("button", { name: "Create endpoint" }).click();
  await expect(endpoint.getByText("Subnets: this field is required.").first()).toBeVisible();
  await choose(page, "Subnets", new RegExp(NAME));
  await endpoint.getByRole("heading", { name: "Create endpoint" }).click();
  await expect(endpoint.getByLabel("Private DNS")).toBeChecked();
  await expectAccessible(page);
  await endpoint.getByRole("button", { name: "Create endpoint" }).click();
  await expect(page.getByText("The endpoint is created.").first()).toBeVisible();
  await rowOf(page, "vpce-")
    .getByRole("link", { name: /^vpce-/ })
    .click();
  await expect(page.getByText("comprehend.us-east-1.amazonaws.com", { exact: true }).first()).toBeVisible();
  await expect(page.getByRole("row").filter({ has: page.getByRole("link", { name: /^eni-/ }) })).toContainText(
    "10.77.0.",
  );
  await expectAccessible(page);
  const { VpcEndpoints } = await world
    .ec2()
    .send(new DescribeVpcEndpointsCommand({ Filters: [{ Name: "tag:Name", Values: [NAME] }] }));
  expect(VpcEndpoints?.map(({ VpcEndpointType, PrivateDnsEnabled }) => [VpcEndpointType, PrivateDnsEnabled])).toEqual([
    ["Interface", true],
  ]);
});

test("a NAT gateway shows what is missing, and works with an internet gateway and an Elastic IP address", async ({
  signedIn: page,
  world,
}) => {
  const address = await form(page, "/vpc/gateways", "Allocate address");
  await address.getByLabel("Name – optional").fill(NAME);
  await address.getByRole("button", { name: "Allocate", exact: true }).click();
  await expect(page.getByText("The address is allocated.").first()).toBeVisible();
  await expect(rowOf(page, "eipalloc-")).toBeVisible();

  const createNat = async (name: string): Promise<void> => {
    await page.getByRole("button", { name: "Create NAT gateway", exact: true }).click();
    const nat = page.getByRole("dialog");
    await nat.getByLabel("Name – optional").fill(name);
    await choose(page, "Subnet Choose", new RegExp(NAME));
    await choose(page, "Elastic IP address Choose", new RegExp(NAME));
    await nat.getByRole("button", { name: "Create NAT gateway" }).click();
    await expect(nat).toBeHidden();
  };
  await createNat(`${NAME} too early`);
  await expect(rowOf(page, "nat-", "too early").first()).toContainText("Gateway.NotAttached");

  await page.getByRole("button", { name: "Create internet gateway", exact: true }).click();
  const gateway = page.getByRole("dialog");
  await gateway.getByLabel("Name – optional").fill(NAME);
  await choose(page, "Attach to VPC", new RegExp(NAME));
  await gateway.getByRole("button", { name: "Create internet gateway" }).click();
  await expect(page.getByText("The internet gateway is created.").first()).toBeVisible();
  await createNat(`${NAME} in time`);
  const row = rowOf(page, "nat-", "in time");
  await expect(row).toContainText("available");
  await row.getByRole("link", { name: /^nat-/ }).click();
  await expect(page.getByText(/^10\.77\.0\.\d+ \(public [\d.]+\)$/)).toBeVisible();
  await expectAccessible(page);
  const { NatGateways } = await world
    .ec2()
    .send(new DescribeNatGatewaysCommand({ Filter: [{ Name: "tag:Name", Values: [`${NAME} in time`] }] }));
  expect(NatGateways?.[0]?.NatGatewayAddresses?.[0]?.PublicIp).toBeTruthy();

  // Its address cannot be released while it is in use.
  await page.getByRole("link", { name: /^eipalloc-/ }).click();
  await page.getByRole("button", { name: "Release", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Release", exact: true }).click();
  await expect(page.getByRole("dialog").getByText("AuthFailure", { exact: true }).first()).toBeVisible();
});

test("a route through the NAT gateway is drawn on the map", async ({ signedIn: page }) => {
  await page.goto("/vpc/vpcs");
  await rowOf(page, "vpc-").getByRole("link", { name: /^vpc-/ }).click();
  await page.locator('a[href^="/vpc/map?vpc="]').click();
  const map = page.locator(".vpc-map");
  // Any of its tables will do.
  await map.getByRole("link", { name: /^rtb-/ }).first().click();
  await page.getByRole("button", { name: "Add route" }).click();
  const route = page.getByRole("dialog");
  await route.getByLabel("Network", { exact: true }).fill("198.51.100.0/24");
  await choose(page, "Target", /^nat-/);
  await route.getByRole("button", { name: "Add route" }).click();
  await expect(page.getByRole("row").filter({ hasText: "198.51.100.0/24" })).toContainText("active");
  await page.goBack();
  await expect(map.getByText(/^public NAT gateway in subnet-/)).toBeVisible();
  await expect(map.getByText("interface endpoint of comprehend")).toBeVisible();
  await expect(page.getByText(/198\.51\.100\.0\/24 to nat-/)).toBeVisible();
});

test("a prefix list accepts only networks, and a change creates another version", async ({ signedIn: page, world }) => {
  const list = await form(page, "/vpc/prefix-lists", "Create prefix list");
  await list.getByLabel("Name", { exact: true }).fill(NAME);
  const networks = list.getByLabel("Networks – optional");
  await networks.fill("192.0.2.0/24\nnot a network");
  await list.getByRole("button", { name: "Create prefix list" }).click();
  await expect(list.getByText("not a network is not a network.").first()).toBeVisible();
  await networks.fill("192.0.2.0/24");
  await list.getByRole("button", { name: "Create prefix list" }).click();
  await expect(page.getByText("The prefix list is created.").first()).toBeVisible();
  await rowOf(page, "pl-").getByRole("link", { name: /^pl-/ }).click();
  await expect(page.getByRole("rowheader", { name: "192.0.2.0/24" })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Edit networks" }).click();
  const edit = page.getByRole("dialog");
  await edit.getByLabel("Networks – optional").fill("198.51.100.0/25\n203.0.113.0/24");
  await edit.getByRole("button", { name: "Save networks" }).click();
  await expect(page.getByText(/^The networks of pl-\w+ are changed\.$/).first()).toBeVisible();
  await expect(page.getByRole("rowheader", { name: "198.51.100.0/25" })).toBeVisible();
  await expect(page.getByRole("rowheader", { name: "192.0.2.0/24" })).toBeHidden();
  const { PrefixLists } = await world
    .ec2()
    .send(new DescribeManagedPrefixListsCommand({ Filters: [{ Name: "prefix-list-name", Values: [NAME] }] }));
  expect(PrefixLists?.[0]?.Version).toBe(2);
});

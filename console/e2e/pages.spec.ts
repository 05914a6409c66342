import { join } from "node:path";
import { CreateEntityRecognizerCommand, CreateFlywheelCommand } from "@aws-sdk/client-comprehend";
import {
  CreateNetworkInterfaceCommand,
  DescribeDhcpOptionsCommand,
  DescribeFlowLogsCommand,
  DescribeManagedPrefixListsCommand,
  DescribeRouteTablesCommand,
  DescribeVpcEndpointsCommand,
} from "@aws-sdk/client-ec2";
import type { Page, TestInfo } from "@playwright/test";
import { matchPath } from "react-router";
import { isWide, PAGES } from "../src/app/routes";
import { FLOW_GROUP, refusedRequest, type SeededJob, seededJob } from "./seeds";
import {
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  keepSession,
  showTheme,
  test,
  type World,
  watch,
} from "./world";

/** One of each resource that has a page. */
interface Seen {
  readonly job: SeededJob;
  readonly endpoint: string;
  readonly flowLog: string;
  readonly networkInterface: string;
  readonly prefixList: string;
  readonly routeTable: string;
  readonly dhcpOptions: string;
  readonly model: string;
  readonly flywheel: string;
  /** The id of a refused request. */
  readonly refused: string;
}

/** Every page: the name of its pictures, and its address. */
const ALL: readonly (readonly [name: string, address: (seen: Seen) => string])[] = [
  ["home", () => "/"],
  ["assume-role", () => "/assume-role"],
  ["jobs", () => "/jobs"],
  ["jobs-create", () => "/jobs/create"],
  ["jobs-copy", ({ job }) => `/jobs/create?copy=entities/${job.id}`],
  ["jobs-create-several", ({ job }) => `/jobs/create-several?${new URLSearchParams({ input: job.input })}`],
  ["jobs-several", ({ job }) => `/jobs/several?job=entities/${job.id}&job=sentiment/gone`],
  ["jobs-compare", ({ job }) => `/jobs/compare?kind=entities&one=${job.id}`],
  ["job", ({ job }) => `/jobs/entities/${job.id}`],
  ["job-story", ({ job }) => `/jobs/entities/${job.id}?tab=story`],
  ["results", ({ job }) => `/jobs/entities/${job.id}/results`],
  ["analyze", () => "/analyze"],
  ["pii-profiles", () => "/pii-profiles"],
  ["models", () => "/models"],
  ["models-create-classifier", () => "/models/create-classifier"],
  ["models-create-recognizer", () => "/models/create-recognizer"],
  ["model", ({ model }) => `/models/view?arn=${encodeURIComponent(model)}`],
  ["model-endpoints", () => "/model-endpoints"],
  ["flywheels", () => "/flywheels"],
  ["flywheels-create", () => "/flywheels/create"],
  ["flywheels-create-dataset", ({ flywheel }) => `/flywheels/create-dataset?${new URLSearchParams({ flywheel })}`],
  ["flywheel", ({ flywheel }) => `/flywheels/view?${new URLSearchParams({ arn: flywheel })}`],
  ["state-events", () => "/state-events"],
  [
    "models-compare",
    ({ model }) => `/models/compare?${new URLSearchParams({ one: model, other: `${model}/version/gone` })}`,
  ],
  ["vpc", () => "/vpc"],
  ["vpc-create", () => "/vpc/create"],
  ["vpc-map", ({ job }) => `/vpc/map?vpc=${job.vpc}`],
  ["vpc-reachability", () => "/vpc/reachability"],
  ["vpc-flow-records", ({ flowLog }) => `/vpc/flow-records?log=${flowLog}`],
  ["vpcs", () => "/vpc/vpcs"],
  ["subnets", () => "/vpc/subnets"],
  ["route-tables", () => "/vpc/route-tables"],
  ["security-groups", () => "/vpc/security-groups"],
  ["endpoints", () => "/vpc/endpoints"],
  ["interfaces", () => "/vpc/interfaces"],
  ["gateways", () => "/vpc/gateways"],
  ["flow-logs", () => "/vpc/flow-logs"],
  ["prefix-lists", () => "/vpc/prefix-lists"],
  ["dhcp-options", () => "/vpc/dhcp-options"],
  ["a-vpc", ({ job }) => `/vpc/vpcs/${job.vpc}`],
  ["a-subnet", ({ job }) => `/vpc/subnets/${job.network.Subnets?.[0]}`],
  ["a-route-table", ({ routeTable }) => `/vpc/route-tables/${routeTable}`],
  ["a-security-group", ({ job }) => `/vpc/security-groups/${job.network.SecurityGroupIds?.[0]}`],
  ["an-endpoint", ({ endpoint }) => `/vpc/endpoints/${endpoint}`],
  ["an-interface", ({ networkInterface }) => `/vpc/interfaces/${networkInterface}`],
  ["a-prefix-list", ({ prefixList }) => `/vpc/prefix-lists/${prefixList}`],
  ["a-dhcp-option-set", ({ dhcpOptions }) => `/vpc/dhcp-options/${dhcpOptions}`],
  ["a-flow-log", ({ flowLog }) => `/vpc/flow-logs/${flowLog}`],
  ["access", () => "/access"],
  ["users", () => "/access/users"],
  ["groups", () => "/access/groups"],
  ["roles", () => "/access/roles"],
  ["policies", () => "/access/policies"],
  ["a-user", () => "/access/users/administrator"],
  ["a-role", ({ job }) => `/access/roles/${job.roleArn.split("/").at(-1)}`],
  ["simulator", () => "/access/simulator"],
  ["explain", () => "/access/explain"],
  ["explain-a-request", ({ refused }) => `/access/explain/${refused}`],
  ["trail", () => "/access/trail"],
  ["s3", () => "/s3"],
  ["usage", () => "/usage"],
  ["a-bucket", ({ job }) => `/s3/${job.bucket}`],
  ["no-such-page", () => "/no-such-page"],
];

const WIDTHS = [1280, 3840, 360];

/** The resources to show, most of which existed before the run. */
async function lookAround(world: World): Promise<Seen> {
  const [ec2, job] = [world.ec2(), await seededJob(world)];
  const inVpc = { Filters: [{ Name: "vpc-id", Values: [job.vpc] }] };
  const [refused, endpoints, tables, lists, sets, logs, made, trained, turned] = await Promise.all([
    refusedRequest(world),
    ec2.send(new DescribeVpcEndpointsCommand(inVpc)),
    ec2.send(new DescribeRouteTablesCommand(inVpc)),
    ec2.send(new DescribeManagedPrefixListsCommand({})),
    ec2.send(new DescribeDhcpOptionsCommand({})),
    ec2.send(new DescribeFlowLogsCommand({ Filter: [{ Name: "log-group-name", Values: [FLOW_GROUP] }] })),
    ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: job.network.Subnets?.[0] })),
    // Its training fails because there is nothing to read, and its page says so.
    world.comprehend().send(
      new CreateEntityRecognizerCommand({
        RecognizerName: `seen-${Date.now()}`,
        LanguageCode: "en",
        DataAccessRoleArn: job.roleArn,
        InputDataConfig: {
          EntityTypes: [{ Type: "ENGINEER" }],
          Documents: { S3Uri: `s3://${job.bucket}/no-such-documents.txt` },
          Annotations: { S3Uri: `s3://${job.bucket}/no-such-annotations.csv` },
        },
      }),
    ),
    world.comprehend().send(
      new CreateFlywheelCommand({
        FlywheelName: `seen-${Date.now()}`,
        ModelType: "DOCUMENT_CLASSIFIER",
        TaskConfig: { LanguageCode: "en", DocumentClassificationConfig: { Mode: "MULTI_CLASS" } },
        DataAccessRoleArn: job.roleArn,
        DataLakeS3Uri: `s3://${job.bucket}/lake/`,
      }),
    ),
  ]);
  return {
    job,
    endpoint: endpoints.VpcEndpoints?.[0]?.VpcEndpointId ?? "",
    routeTable: tables.RouteTables?.[0]?.RouteTableId ?? "",
    prefixList: lists.PrefixLists?.[0]?.PrefixListId ?? "",
    dhcpOptions: sets.DhcpOptions?.[0]?.DhcpOptionsId ?? "",
    flowLog: logs.FlowLogs?.[0]?.FlowLogId ?? "",
    networkInterface: made.NetworkInterface?.NetworkInterfaceId ?? "",
    model: trained.EntityRecognizerArn ?? "",
    flywheel: turned.FlywheelArn ?? "",
    refused: refused.id,
  };
}

// One tab shows the pages one after another: scripts are loaded and compiled once, and each page is loaded once.
let page: Page;
let seen: Seen;
let wrong: readonly string[];

test.beforeAll(async ({ browser, world }) => {
  seen = await lookAround(world);
  page = await browser.newPage({ baseURL: world.product.consoleUrl });
  wrong = watch(page, world);
  await keepSession(page, world.product, "administrator");
});

test.afterAll(async () => page.close());

/** Load an address, check it in every theme and width, and save the pictures, all in one folder. */
async function look(tab: Page, address: string, pictures: string, wide: boolean): Promise<void> {
  await tab.setViewportSize({ width: 1280, height: 1000 });
  await tab.goto(address);
  await expect(tab.getByRole("heading", { level: 1 })).toBeVisible();
  await tab.waitForLoadState("networkidle");
  await expectAccessibleInBothThemes(tab);
  for (const width of WIDTHS) {
    await tab.setViewportSize({ width, height: width === 360 ? 740 : 1000 });
    const over = (): Promise<number> =>
      tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await expect.poll(over, `${address} is wider than a window of ${width}`).toBeLessThanOrEqual(1);
    if (width === 3840 && wide) await expect.poll(rightEdge(tab), `${address} leaves much empty`).toBeGreaterThan(2950);
    for (const theme of ["light", "dark"] as const) {
      await showTheme(tab, theme);
      // A narrow window has its own bar and menus.
      if (width === 360 && theme === "light") await expectAccessible(tab);
      await tab.screenshot({ path: `${pictures}-${theme}-${width}.png` });
    }
  }
}

/** The rightmost position of the content below the top bar. */
function rightEdge(tab: Page): () => Promise<number> {
  return () =>
    tab.evaluate(() => {
      const boxes = [...document.querySelectorAll("a, button, table")].map((each) => each.getBoundingClientRect());
      return Math.max(...boxes.filter(({ top }) => top > 60).map(({ right }) => right));
    });
}

const pathOf = (address: string): string => new URL(address, "http://console.invalid").pathname;

const pictures = ({ project }: TestInfo, name: string): string => join(project.outputDir, "pages", name);

for (const [name, address] of ALL) {
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are needed from this pattern.
  test(`${name} is accessible, fits its window, and shows its data in both themes`, async ({}, info) => {
    await look(page, address(seen), pictures(info, name), isWide(pathOf(address(seen))));
    expect(wrong).toEqual([]);
  });
}

test("sign-in is accessible and fits its window in both themes", async ({ visitor }, info) => {
  await look(visitor, "/jobs", pictures(info, "sign-in"), false);
  await expect(visitor.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
});

test("no page is left out", () => {
  const addresses = ALL.map(([, address]) => pathOf(address(seen)));
  const left = PAGES.filter(({ path }) => !addresses.some((address) => matchPath(path, address)));
  expect(left.map(({ path }) => path)).toEqual([]);
});

test("the first page loads less than 900 KB", async ({ signedIn }) => {
  // The fonts are data URLs within the style sheet: their bytes arrive, and count, with that file.
  let bytes = 0;
  const inlined = new Set<string>();
  const session = await signedIn.context().newCDPSession(signedIn);
  await session.send("Network.enable");
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.url.startsWith("data:")) inlined.add(requestId);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (!inlined.has(requestId)) bytes += encodedDataLength;
  });
  await signedIn.goto("/");
  await expect(signedIn.getByRole("link", { name: "Create job" }).last()).toBeEnabled();
  await signedIn.waitForLoadState("networkidle");
  expect(inlined.size).toBeGreaterThan(0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(900_000);
});

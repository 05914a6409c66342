import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { expect, expectAccessible, test } from "./world";

/** Every page that needs no id. Those of single things are opened by the flows of the other files. */
const PATHS = [
  "/",
  "/assume-role",
  "/jobs",
  "/jobs/create",
  "/analyze",
  "/models",
  "/models/create-classifier",
  "/models/create-recognizer",
  "/vpc",
  "/vpc/create",
  "/vpc/map",
  "/vpc/reachability",
  "/vpc/flow-records",
  "/vpc/vpcs",
  "/vpc/subnets",
  "/vpc/route-tables",
  "/vpc/security-groups",
  "/vpc/endpoints",
  "/vpc/interfaces",
  "/vpc/gateways",
  "/vpc/flow-logs",
  "/access",
  "/access/users",
  "/access/roles",
  "/access/policies",
  "/access/simulator",
  "/access/explain",
  "/access/trail",
  "/s3",
  "/no-such-page",
];
const WIDTHS = [360, 1280, 3840];

for (const path of PATHS) {
  test(`${path} is accessible, fits its window, and shows its data in both themes`, async ({
    signedIn: page,
  }, info) => {
    for (const theme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: width === 360 ? 740 : 1000 });
        if (width === WIDTHS[0]) {
          await page.goto(path);
          await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
          await page.waitForLoadState("networkidle");
        }
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(over, `${path} is wider than a window of ${width}`).toBeLessThanOrEqual(1);
        const name = `${path.slice(1).replaceAll("/", "-") || "home"}-${theme}-${width}.png`;
        await page.screenshot({ path: info.outputPath(name) });
      }
      await page.setViewportSize({ width: 1280, height: 1000 });
      await expectAccessible(page);
    }
  });
}

test("the first page is interactive within two seconds and below 900 KB", async ({ signedIn: page, world }) => {
  await world.ec2().send(new DescribeVpcsCommand({}));
  let bytes = 0;
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.loadingFinished", (event) => {
    bytes += event.encodedDataLength;
  });
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Create a job" })).toBeEnabled();
  expect(bytes).toBeLessThan(900_000);
});

import { DescribeFlowLogsCommand } from "@aws-sdk/client-ec2";
import type { Locator } from "@playwright/test";
import { FLOW_GROUP, seededJob, startLong, stopJob } from "./seeds";
import { choose, expect, expectAccessible, expectAccessibleInBothThemes, test } from "./world";

test("the resource map shows a job only while it runs", async ({ signedIn: page, world }) => {
  const { vpc } = await seededJob(world);
  const id = await startLong(world, "e2e-on-the-map");
  await page.goto(`/vpc/map?vpc=${vpc}`);
  const map = page.locator(".vpc-map");
  const onMap = map.getByRole("link", { name: id });
  await expect(onMap.first()).toBeVisible();
  await expect(page.getByText(/It has \d+ network interfaces, 1 of them for jobs\./).first()).toBeVisible();
  await expectAccessibleInBothThemes(page);
  await onMap.first().click();
  await expect(page).toHaveURL(`/jobs/entities/${id}`);
  await page.goBack();
  await stopJob(world, id);
  // The map updates itself without a reload.
  await expect(onMap).toHaveCount(0, { timeout: 60_000 });
});

test("flow records of a job have their rows, and the filter finds those to S3", async ({ signedIn: page, world }) => {
  const { FlowLogs } = await world
    .ec2()
    .send(new DescribeFlowLogsCommand({ Filter: [{ Name: "log-group-name", Values: [FLOW_GROUP] }] }));
  await page.goto(`/vpc/flow-records?log=${FlowLogs?.[0]?.FlowLogId}`);
  // The job ran when the tests began; its windows end at full minutes.
  const records = page.getByRole("table", { name: "Flow records" });
  await expect(records.getByRole("row").nth(1)).toBeVisible({ timeout: 100_000 });
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 860 });
    await expectRowsApart(records);
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.getByLabel("Port", { exact: true }).fill("443");
  await choose(page, "Action", "ACCEPT");
  await expect(records.getByRole("row").nth(1)).toContainText("ACCEPT");
  await expect(records.getByRole("row").nth(1)).toContainText(":443");
  await expect(records.getByRole("row").nth(1)).toContainText("TCP");
  await expectAccessible(page);
  await page.getByLabel("Address", { exact: true }).fill("203.0.113.9");
  await expect(page.getByText(/^None of [\d,]+ records? matches the filter\.$/)).toBeVisible();

  const { id } = await seededJob(world, "sentiment");
  await page.goto(`/jobs/sentiment/${id}?tab=flow`);
  await expect(page.getByRole("row").filter({ hasText: "ACCEPT" }).filter({ hasText: ":443" }).first()).toBeVisible();
  await expectAccessible(page);
});

/** Each row ends before the next one begins, its text is inside it, and its cells are side by side. */
async function expectRowsApart(table: Locator): Promise<void> {
  const rows = await table.getByRole("row").evaluateAll((all) =>
    all.map((row) => ({
      row: row.getBoundingClientRect(),
      cells: [...row.children].map((cell) => cell.getBoundingClientRect()),
    })),
  );
  expect(rows.length).toBeGreaterThan(2);
  rows.sort((one, other) => one.row.top - other.row.top);
  for (const [index, { row, cells }] of rows.entries()) {
    const next = rows[index + 1];
    if (next !== undefined) expect(row.bottom).toBeLessThanOrEqual(next.row.top + 0.5);
    for (const [at, cell] of cells.entries()) {
      expect(cell.top).toBeGreaterThanOrEqual(row.top - 0.5);
      expect(cell.bottom).toBeLessThanOrEqual(row.bottom + 0.5);
      const right = cells[at + 1];
      if (right !== undefined) expect(cell.right).toBeLessThanOrEqual(right.left);
    }
  }
}

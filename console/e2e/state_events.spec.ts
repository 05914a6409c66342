import { CreateBucketCommand, PutBucketPolicyCommand } from "@aws-sdk/client-s3";
import { EVENTS_BUCKET } from "./product";
import { seededJob, startLike } from "./seeds";
import { expect, expectAccessibleInBothThemes, test } from "./world";

test("changes of state come as they happen, and lead to what changed", async ({ signedIn: page, world }) => {
  await page.goto("/state-events");
  const events = page.getByRole("table").first();
  // Specs that ran before have left others on the first page.
  await expect(events.getByRole("row", { name: /Job.*-detection-job/ }).first()).toBeVisible();
  const name = `told-${Date.now()}`;
  const id = await startLike(world, await seededJob(world), { JobName: name });
  await expect(events.getByRole("row", { name: new RegExp(`Completed.*${name}`) })).toBeVisible({ timeout: 90_000 });
  await page.getByLabel("Filter Events").fill(name);
  await page.keyboard.press("Enter");
  // Submitted, in progress, completed, and the row of the headings.
  await expect(events.getByRole("row")).toHaveCount(4);
  await expectAccessibleInBothThemes(page);
  await events
    .getByRole("link", { name: new RegExp(id) })
    .first()
    .click();
  await expect(page).toHaveURL(new RegExp(`/jobs/entities/${id}$`));
});

test("a delivery that fails says why, and is attempted again on request", async ({ signedIn: page, world }) => {
  await page.goto("/state-events");
  const deliveries = page.getByRole("table").last();
  await expect(
    deliveries.getByRole("row", { name: /Bucket.*Failed, tried again.*NoSuchBucket/ }).first(),
  ).toBeVisible();
  await expectAccessibleInBothThemes(page);
  await world.s3().send(new CreateBucketCommand({ Bucket: EVENTS_BUCKET }));
  const allowed = {
    Effect: "Allow",
    Principal: { Service: "events.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: `arn:aws:s3:::${EVENTS_BUCKET}/*`,
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [allowed] });
  await world.s3().send(new PutBucketPolicyCommand({ Bucket: EVENTS_BUCKET, Policy }));
  await page.getByRole("button", { name: "Try all again" }).click();
  await expect(page.getByText("Everything is delivered.")).toBeVisible();
});

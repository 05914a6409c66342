import { DescribeEntitiesDetectionJobCommand, ListTagsForResourceCommand } from "@aws-sdk/client-comprehend";
import { CreateSecurityGroupCommand, RevokeSecurityGroupEgressCommand } from "@aws-sdk/client-ec2";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { seededJob, startLike, startLong } from "./seeds";
import { expect, expectAccessible, test } from "./world";

test("a finished job shows its story, its interfaces, its log and its files", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  await page.goto("/jobs");
  await page.getByRole("link", { name: job.name, exact: true }).first().click();
  await expect(page).toHaveURL(/\/jobs\/[a-z-]+\/[0-9a-f]+$/);
  await page.setViewportSize({ width: 400, height: 800 });
  await page.goto("/jobs");
  await expect(page.getByText("Completed").filter({ visible: true }).first()).toBeInViewport();
  await page.setViewportSize({ width: 1280, height: 900 });

  await page.goto(`/jobs/entities/${job.id}`);
  await expect(page.getByText("Completed")).toBeVisible();
  await expect(page.getByRole("link", { name: /^vpc-[0-9a-f]+$/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "Results", exact: true })).toHaveAttribute(
    "href",
    `/jobs/entities/${job.id}/results`,
  );
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Story" }).click();
  const story = page.getByRole("list", { name: "Events, oldest first" });
  await expect(story.getByRole("listitem").first()).toContainText("+0 ms");
  await expect(story).toContainText("Network interface removed");
  await expect(page.getByRole("list", { name: /^Phases/ })).toContainText("Running");
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Containers and interfaces" }).click();
  await expect(page.getByRole("row", { name: /eni-[0-9a-f]+/ }).first()).toContainText("Removed");

  await page.getByRole("tab", { name: "Log", exact: true }).click();
  const log = page.getByRole("log");
  await expect(log).toContainText("Submitted: submitted");
  await page.getByRole("searchbox", { name: "Search in the log" }).fill("RELEASED");
  await expect(log).toContainText("Released: interface and container gone");
  await expect(log).not.toContainText("Submitted: submitted");
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Files" }).click();
  await expect(page.getByRole("heading", { name: "Output" })).toBeVisible();
  await expect(page.getByText(/^[\d.,]+ (bytes|KB|MB)$/).first()).toBeVisible();
  await expectAccessible(page);
});

test("a failed job links to the one thing to change", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  const { GroupId } = await world.ec2().send(
    new CreateSecurityGroupCommand({
      GroupName: `e2e-jobs-shut-${Date.now()}`,
      Description: "lets nothing out",
      VpcId: job.vpc,
    }),
  );
  const everything = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
  await world.ec2().send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [everything] }));
  const id = await startLike(world, job, {
    JobName: "e2e-jobs-shut",
    VpcConfig: { Subnets: job.network.Subnets, SecurityGroupIds: [GroupId ?? ""] },
  });
  await page.goto(`/jobs/entities/${id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("e2e-jobs-shut");
  const failure = page.getByTestId("failure");
  await expect(failure).toContainText("NO_ROUTE_TO_STORAGE", { timeout: 20_000 });
  await expectAccessible(page);
  await failure.getByRole("link", { name: `Security group ${GroupId}` }).click();
  await expect(page).toHaveURL(`/vpc/security-groups/${GroupId}`);
});

test("a job that could not read a document says so on its page and in the list", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  const JobName = `e2e-jobs-unread-${Date.now()}`;
  const put = (name: string, Body: string | Buffer) =>
    world.s3().send(new PutObjectCommand({ Bucket: job.bucket, Key: `${JobName}/${name}`, Body }));
  await put("read.txt", "Marie Curie was born in Warsaw.");
  await put("utf-16.txt", Buffer.from("\ufeffMarie Curie was born in Warsaw.", "utf16le"));
  const InputDataConfig = { S3Uri: `s3://${job.bucket}/${JobName}/`, InputFormat: "ONE_DOC_PER_FILE" } as const;
  const id = await startLike(world, job, { JobName, InputDataConfig });
  await page.goto(`/jobs/entities/${id}`);
  const outcome = page.getByTestId("outcome");
  await expect(outcome).toContainText("1 of 2 documents failed", { timeout: 60_000 });
  await expect(page.getByRole("definition").filter({ hasText: "1 of 2 documents failed" })).toBeVisible();
  await expectAccessible(page);
  await page.goto("/jobs");
  await expect(page.getByRole("row").filter({ hasText: JobName })).toContainText("1 of 2 documents failed");
  await page.getByRole("link", { name: JobName }).click();
  await outcome.getByRole("link", { name: "Show the errors" }).click();
  await expect(page.getByRole("row").filter({ hasText: "utf-16.txt" })).toContainText(
    "Save the file as text in UTF-8.",
  );
});

test("several jobs are stopped together", async ({ signedIn: page, world }) => {
  const comprehend = world.comprehend();
  const names = ["one", "other"].map((each) => `e2e-jobs-stop-${each}-${Date.now()}`);
  const ids = await Promise.all(names.map((name) => startLong(world, name)));
  await page.goto("/jobs");
  for (const name of names)
    await page.getByRole("row").filter({ hasText: name }).getByRole("checkbox").check({ force: true });
  await page.getByRole("button", { name: "Stop 2 jobs" }).click();
  const question = page.getByRole("dialog");
  for (const name of names) await expect(question).toContainText(name);
  await expectAccessible(page);
  await question.getByRole("button", { name: "Stop 2 jobs" }).click();
  await expect(page.getByText("Stopping 2 jobs.")).toBeVisible();
  for (const name of names)
    await expect(page.getByRole("row").filter({ hasText: name })).toContainText("Stopped", { timeout: 30_000 });
  for (const JobId of ids) {
    const { EntitiesDetectionJobProperties } = await comprehend.send(
      new DescribeEntitiesDetectionJobCommand({ JobId }),
    );
    expect(EntitiesDetectionJobProperties?.JobStatus).toBe("STOPPED");
  }
});

test("a running job is stopped after confirmation, and hostile tags are text", async ({ signedIn: page, world }) => {
  const JobId = await startLong(world, "e2e-jobs-stop");
  await page.goto(`/jobs/entities/${JobId}`);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("button", { name: "Stop job" }).click();
  await expect(page.getByText("What has been finished is kept")).toBeVisible();
  await expect(page.getByText("Stopped", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole("link", { name: "Results", exact: true })).toBeVisible();
  const after = await world.comprehend().send(new DescribeEntitiesDetectionJobCommand({ JobId }));
  expect(after.EntitiesDetectionJobProperties?.JobStatus).toBe("STOPPED");

  await page.getByRole("tab", { name: "Tags" }).click();
  const value = "=1+1 @me";
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByLabel("Key of tag 1").fill("e2e-ключ");
  await page.getByLabel("Value of tag 1").fill(value);
  await page.getByRole("button", { name: "Save tags" }).click();
  await expect(page.getByText("The job's tags are changed.")).toBeVisible();
  const tags = new ListTagsForResourceCommand({ ResourceArn: after.EntitiesDetectionJobProperties?.JobArn });
  expect((await world.comprehend().send(tags)).Tags).toEqual([{ Key: "e2e-ключ", Value: value }]);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Remove tag e2e-ключ" }).click();
  await page.getByRole("button", { name: "Save tags" }).click();
  await expect(page.getByText("No tags.")).toBeVisible();
  expect((await world.comprehend().send(tags)).Tags).toEqual([]);
});

test("the address of an unknown job or type says so", async ({ signedIn: page }) => {
  await page.goto("/jobs/entities/00000000000000000000000000000000");
  await expect(page.getByTestId("error")).toContainText("JobNotFoundException");
  await page.goto("/jobs/constructor/1");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("There is no such type of job");
});

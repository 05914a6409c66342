import { readFile } from "node:fs/promises";
import {
  DescribeTargetedSentimentDetectionJobCommand,
  StartTargetedSentimentDetectionJobCommand,
} from "@aws-sdk/client-comprehend";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { Locator, Page } from "@playwright/test";
import { archiveOf, lines } from "../tests/results/archives";
import { type SeededJob, seededJob } from "./seeds";
import { columnsOf, expect, expectAccessible, expectWholeWords, test, type World } from "./world";

async function documents(page: Page, kind: string, id: string): Promise<void> {
  await page.goto(`/jobs/${kind}/${id}/results`);
  await page.getByRole("tab", { name: /^Documents/ }).click();
}

/** Replace a job's archive while ``during`` runs. */
async function withArchive(world: World, { bucket, key }: SeededJob, bytes: Uint8Array, during: () => Promise<void>) {
  const s3 = world.s3();
  const before = await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body?.transformToByteArray();
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
  try {
    await during();
  } finally {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: before ?? new Uint8Array(0) }));
  }
}

test("entities are marked in the documents' own text, filtered and downloaded", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  await page.goto(`/jobs/entities/${job.id}/results`);
  await expect(page.getByRole("heading", { name: "Results" })).toBeVisible();
  await expect(page.getByRole("heading", { name: /^Types/ })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Show the documents with PERSON" }).click();
  await expect(page.getByTestId("document-count")).toContainText(/^\d+ of \d+ documents/);
  const text = page.getByTestId("document-text");
  await expect(text.locator("mark").filter({ hasText: "Marie Curie" })).toContainText("PERSON");
  await expect(text).toContainText("Warsaw");
  await expect(text.locator("mark").filter({ hasText: "LOCATION" })).toHaveCount(0);
  await expectAccessible(page);

  await page.getByTestId("document-list").press("End");
  await expect(text).toContainText("Lovelace");
  // A word of a document that is not a finding, and the address that shows the same to others.
  await page.getByRole("searchbox", { name: "Search" }).fill("moved to");
  await expect(page.getByTestId("document-count")).toContainText(/^1 of /);
  await expect(page).toHaveURL(/tab=documents&search=moved\+to/);
  await page.reload();
  await expect(page.getByTestId("document-count")).toContainText(/^1 of /);
  await page.getByRole("searchbox", { name: "Search" }).fill("no such thing");
  await expect(page.getByText("No document matches.")).toBeVisible();
  await page.getByRole("button", { name: "Clear all filters" }).click();
  await expect(text.locator("mark").filter({ hasText: "LOCATION" }).first()).toBeVisible();

  await page.getByRole("tab", { name: "Files and downloads" }).click();
  await expectAccessible(page);
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV", exact: true }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toMatch(/-entities\.csv$/);
  const csv = await readFile(await saved.path(), "utf8");
  expect(csv).toMatch(/^\ufeffFile,Line,BeginOffset,EndOffset,Type,Text,Score,DocumentText,ErrorCode,ErrorMessage\r\n/);
  const shown = page.waitForEvent("download");
  await page.getByRole("button", { name: "Excel (XLSX)" }).click();
  expect((await shown).suggestedFilename()).toMatch(/-entities\.xlsx$/);
  expect(csv).toContain("PERSON,Marie Curie");

  const archiving = page.waitForEvent("download");
  await page.getByRole("button", { name: /^The archive/ }).click();
  const stored = await world.s3().send(new GetObjectCommand({ Bucket: job.bucket, Key: job.key }));
  const archive = await readFile(await (await archiving).path());
  expect(archive.equals(Buffer.from((await stored.Body?.transformToByteArray()) ?? []))).toBe(true);
});

test("sentiment is counted, and each document has its four scores", async ({ signedIn: page, world }) => {
  const { id } = await seededJob(world, "sentiment");
  await page.goto(`/jobs/sentiment/${id}/results`);
  await expect(page.getByRole("heading", { name: /^Documents by sentiment/ })).toBeVisible();
  await page.getByRole("tab", { name: /^Documents/ }).click();
  await expect(page.getByRole("table", { name: "Scores" }).getByRole("row")).toHaveCount(5);
  await expectAccessible(page);
});

test("no word of a mention is broken in two, and no column moves when the page of a table is turned", async ({
  signedIn: page,
  world,
}) => {
  const seeded = await seededJob(world);
  const { JobId = "" } = await world.comprehend().send(
    new StartTargetedSentimentDetectionJobCommand({
      InputDataConfig: { S3Uri: seeded.input, InputFormat: "ONE_DOC_PER_FILE" },
      OutputDataConfig: { S3Uri: `s3://${seeded.bucket}/e2e-jobs/` },
      DataAccessRoleArn: seeded.roleArn,
      LanguageCode: "en",
      VpcConfig: seeded.network,
    }),
  );
  await page.goto(`/jobs/targeted-sentiment/${JobId}`);
  await expect(page.getByRole("link", { name: "Results", exact: true })).toBeVisible({ timeout: 60_000 });
  const { TargetedSentimentDetectionJobProperties: job } = await world
    .comprehend()
    .send(new DescribeTargetedSentimentDetectionJobCommand({ JobId }));
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.+)$/.exec(job?.OutputDataConfig?.S3Uri ?? "") ?? [];
  // The first pages have short words, and the last ones long ones.
  const texts = ["it", "tea", "shop"].flatMap((text) => Array.from({ length: 12 }, (_, at) => `${text} ${at}`));
  texts.push(...Array.from({ length: 12 }, (_, at) => `the misinterpretation of internationalization ${at}`));
  const mention = (Text: string, at: number) => ({
    ...{ BeginOffset: 0, EndOffset: 1, Score: 0.9912345, GroupScore: 1, Text },
    Type: at % 2 === 0 ? "COMMERCIAL_ITEM" : "ORGANIZATION",
    MentionSentiment: { Sentiment: at % 2 === 0 ? "NEGATIVE" : "POSITIVE", SentimentScore: { Negative: 1 } },
  });
  const Entities = texts.map((text, at) => ({
    DescriptiveMentionIndex: [0],
    // The first texts are the most frequent ones.
    Mentions: Array.from({ length: at < 12 ? 2 : 1 }, () => mention(text, at)),
  }));
  const archive = archiveOf({ name: "output", content: lines({ Entities, File: "curie.txt" }) });
  await withArchive(world, { ...seeded, bucket, key }, archive, async () => {
    for (const width of [1280, 700]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(`/jobs/targeted-sentiment/${JobId}/results`);
      await expectStill(page, page.getByRole("table", { name: /^Most frequent/ }));
      await page.getByRole("tab", { name: /^Documents/ }).click();
      await expectStill(page, page.getByRole("table", { name: "What was found" }));
    }
  });
});

/** No word of the table is broken on its first and its last page, and its columns are in the same places. */
async function expectStill(page: Page, table: Locator): Promise<void> {
  await expect(table.getByRole("row").nth(1)).toContainText("it 0");
  await expectWholeWords(table);
  const before = await columnsOf(table);
  const container = page
    .locator("div")
    .filter({ has: table })
    .filter({ has: page.getByRole("button", { name: "Next page" }) });
  await container
    .last()
    .getByRole("button", { name: /^Page \d+ of/ })
    .last()
    .click();
  await expect(table).toContainText("internationalization");
  await expectWholeWords(table);
  expect(await columnsOf(table)).toEqual(before);
}

test("the map of forty topics fits into its page and names them by their terms", async ({ signedIn: page, world }) => {
  const job = await seededJob(world, "topics");
  const numbers = Array.from({ length: 40 }, (_, number) => String(number).padStart(3, "0"));
  const terms = numbers.flatMap((number) => [`${number},harbour${number},0.3`, `${number},lighthouse${number},0.2`]);
  const documents = numbers.flatMap((number, index) =>
    Array.from({ length: 1 + index }, (_, each) => `of${number}-${each}.txt,${number},1.0`),
  );
  const archive = archiveOf(
    { name: "topic-terms.csv", content: lines("topic,term,weight", ...terms) },
    { name: "doc-topics.csv", content: lines("docname,topic,proportion", ...documents) },
  );
  await withArchive(world, job, archive, async () => {
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`/jobs/topics/${job.id}/results`);
      const map = page.getByRole("group", { name: "Map of the topics" });
      const circles = map.getByRole("button");
      await expect(circles).toHaveCount(40);
      await expect(circles.first()).toHaveAccessibleName("harbour039, lighthouse039: 40 documents");
      await expect(circles.first()).toContainText("harbour");
      const frame = await map.evaluate((element) => element.getBoundingClientRect());
      expect(frame.left).toBeGreaterThanOrEqual(0);
      expect(frame.right).toBeLessThanOrEqual(width);
      expect(frame.height).toBeLessThanOrEqual(800);
      for (const circle of await circles
        .locator("circle")
        .evaluateAll((all) => all.map((each) => each.getBoundingClientRect()))) {
        expect(circle.left).toBeGreaterThanOrEqual(frame.left);
        expect(circle.right).toBeLessThanOrEqual(frame.right);
        expect(circle.top).toBeGreaterThanOrEqual(frame.top);
        expect(circle.bottom).toBeLessThanOrEqual(frame.bottom);
      }
    }
  });
});

test("hostile results are text, and damaged ones are reported", async ({ signedIn: page, world }) => {
  const job = await seededJob(world);
  const script = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>";
  const hostile = archiveOf(
    {
      name: "../../output",
      content: lines(
        {
          Entities: [{ BeginOffset: 0, EndOffset: 1e15, Score: 9, Text: script, Type: script }],
          File: script,
          Line: 0,
        },
        { Entities: [], File: "\u202egpj.exe", Line: 1 },
        "not json",
        { ErrorCode: script, ErrorMessage: "\0\ud83d", File: "b", Line: 2 },
      ),
    },
    { name: "../../output", content: "" },
  );
  await withArchive(world, job, hostile, async () => {
    await documents(page, "entities", job.id);
    await expect(page.getByTestId("document-list")).toContainText("<script>");
    await page.getByRole("tab", { name: "Errors (2)" }).click();
    await expect(page.getByRole("cell", { name: "UNREADABLE_RESULT" })).toBeVisible();
    await page.getByRole("tab", { name: "Files and downloads" }).click();
    await expect(page.getByText("Several files of the archive have the same name.")).toBeVisible();
    expect(await page.title()).toBe("Results · Reading Room");
  });
  const whole = archiveOf({ name: "output", content: lines({ Entities: [], File: "a", Line: 0 }) });
  await withArchive(world, job, whole.subarray(0, whole.length - 30), async () => {
    await page.goto(`/jobs/entities/${job.id}/results`);
    await expect(page.getByTestId("error")).toContainText("BadArchive");
    await expect(page.getByRole("tab", { name: "Documents (1)" })).toBeVisible();
  });
  await withArchive(world, job, Buffer.from("<html>"), async () => {
    await page.goto(`/jobs/entities/${job.id}/results`);
    await expect(page.getByTestId("error")).toContainText("not gzip");
  });
});

test("a narrow page shows the same in one column", async ({ signedIn: page, world }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const { id } = await seededJob(world);
  await documents(page, "entities", id);
  await expect(page.getByTestId("document-text").locator("mark").first()).toBeVisible();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await expectAccessible(page);
});

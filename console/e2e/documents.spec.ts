import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { Page } from "@playwright/test";
import { COMPREHEND_SERVICE, serviceTrust } from "../src/access/data/trust";
import { archiveOf, lines } from "../tests/results/archives";
import { drop, pdfOf, pngOf, writeFiles } from "./files";
import { seededJob, withResults } from "./seeds";
import { choose, expect, expectAccessible, expectAccessibleInBothThemes, showTheme, test, type World } from "./world";

const FILES = {
  "note.txt": "Pierre Curie taught in Paris.\n",
  "letters/report.pdf": pdfOf("Marie Curie was born in Warsaw.", "Ada Lovelace wrote to London."),
  "letters/page.html": "<p>Charles Babbage lived in London.</p>",
  "table.csv": "name,city\nAlan Turing,Manchester\n",
  "old.doc": "\0 an office file",
  README: "Nothing to read here but text.\n",
};

const SECRET = "4111 1111 1111 1111";
const PRIVATE = `Dear Anna Schmidt, your card ${SECRET} was charged. Write to anna@example.com.\n`;

const DEALS = `Harbor Steel Inc. acquired Lakeside Foundry LLC for $40 million on March 3, 2021.
Harbor Steel Inc. announced a 1-for-10 reverse stock split.
`;

let folder: string;
let role: string;
let bucket: string;

test.beforeAll(async ({ world }) => {
  folder = await mkdtemp(join(tmpdir(), "reading-room-documents-"));
  await writeFiles(join(folder, "inbox"), FILES);
  bucket = `e2e-documents-${Date.now()}`;
  role = await makeRole(world, `e2e-documents-${Date.now()}`);
  const s3 = world.s3();
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "private/mail.txt", Body: PRIVATE }));
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "deals/news.txt", Body: DEALS }));
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "mixed/card.pdf", Body: pdfOf(`My card is ${SECRET}.`) }));
});

test.afterAll(async () => rm(folder, { recursive: true, force: true }));

/** A role that lets jobs read and write all buckets of the account. */
async function makeRole(world: World, RoleName: string): Promise<string> {
  const iam = world.iam();
  const AssumeRolePolicyDocument = serviceTrust(COMPREHEND_SERVICE, "000000000001");
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  const Statement = [{ Effect: "Allow", Action: ["s3:GetObject", "s3:ListBucket", "s3:PutObject"], Resource: "*" }];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "job", PolicyDocument }));
  return Role?.Arn ?? "";
}

async function submit(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "Enter the ARN of a role" }).click();
  await page.getByLabel("Role ARN").fill(role);
  await expect(page.getByTestId("preflight")).toContainText("Nothing stands in the way", { timeout: 60_000 });
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page).toHaveURL(/\/jobs\/[a-z-]+\/[0-9a-f]+$/);
  await page.getByRole("link", { name: "Results", exact: true }).click({ timeout: 120_000 });
}

test("a dropped folder of many formats is read, and findings are marked on the pages of its PDF", async ({
  signedIn: page,
}, info) => {
  const picture = (name: string) => page.screenshot({ path: info.outputPath(`${name}.png`), fullPage: true });
  await page.goto("/jobs/create");
  await page.getByRole("button", { name: "New bucket with documents" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Bucket name").fill(`${bucket}-dropped`);
  await dialog.getByText("My documents").click();
  await drop(page, dialog.getByText("Drop files or folders here"), join(folder, "inbox"));
  await expect(dialog.getByText(/^5 files to upload/)).toBeVisible();
  await expect(dialog.getByTestId("files-to-read")).toContainText("plain text (2)");
  await expect(dialog.getByTestId("files-left-out")).toContainText("inbox/old.doc");
  await expect(dialog.getByTestId("files-left-out")).toContainText("save them as .docx, .xlsx or .pptx");
  await expectAccessible(page);
  await picture("1-dropped");
  await dialog.getByRole("button", { name: "Create bucket" }).click();

  // The form looks at the input, sets the tag by itself, and says so.
  const note = page.getByTestId("documents");
  await expect(note).toContainText("The job reads documents of every format");
  await expect(page.getByLabel("Value of tag 1")).toHaveValue("any");
  await expect(page.getByRole("button", { name: /Input format.*One document per file/ })).toBeVisible();
  await page.getByLabel("Column - optional").fill("name");
  await expect(page.getByLabel("Key of tag 2")).toHaveValue("reading-room:column");
  await note.getByRole("button", { name: "Read only text" }).click();
  await expect(note).toContainText("The job reads only text");
  await expect(page.getByLabel("Value of tag 1")).toHaveCount(0);
  await note.getByRole("button", { name: "Read every format" }).click();
  await expectAccessible(page);
  await picture("2-form");
  await submit(page);

  await page.getByRole("tab", { name: "Documents (5)" }).click();
  await page.getByRole("searchbox", { name: "Search" }).fill("Lovelace");
  const paper = page.getByTestId("page");
  await expect(page.getByTestId("page-notes")).toContainText("on page 1 of 2");
  await expect(paper.locator("canvas")).toHaveAttribute("aria-busy", "false");
  const marks = page.getByTestId("page-mark");
  await expect(marks).toHaveCount(2);
  // Below the mark of the name are letters, and there are none right of the line.
  expect(await darkShare(page, 0)).toBeGreaterThan(0.05);
  await expectAccessibleInBothThemes(page);
  await picture("3-page-light");
  await showTheme(page, "dark");
  await picture("3-page-dark");
  await page.setViewportSize({ width: 400, height: 800 });
  await picture("3-page-dark-narrow");
  await showTheme(page, "light");
  await picture("3-page-light-narrow");
  await page.setViewportSize({ width: 1280, height: 900 });

  // A chosen finding turns to its page.
  await page.getByRole("button", { name: 'Show "Ada Lovelace" in the text' }).click();
  await expect(page.getByTestId("page-notes")).toContainText("on page 2 of 2");
  await expect(page.locator(".page-mark-chosen")).toHaveCount(1);
  const shownAs = page.getByRole("toolbar", { name: "Show the document as" });
  await shownAs.getByRole("button", { name: "Text" }).click();
  await expect(page.getByTestId("document-text").locator("mark").first()).toContainText("Marie Curie");

  // Formats without pages show the text that was extracted.
  await page.getByRole("searchbox", { name: "Search" }).fill("Babbage");
  await expect(page.getByTestId("document-text").locator("mark").first()).toContainText("Charles Babbage");
});

/** The share of dark pixels of the page's picture below a mark. */
async function darkShare(page: Page, number: number): Promise<number> {
  return page.evaluate((at) => {
    const canvas = document.querySelector<HTMLCanvasElement>("[data-testid=page] canvas");
    const mark = document.querySelectorAll("[data-testid=page-mark]")[at]?.getBoundingClientRect();
    if (canvas === null || mark === undefined) throw new Error("there is no page with such a mark");
    const frame = canvas.getBoundingClientRect();
    const scale = canvas.width / frame.width;
    const [x, y] = [(mark.left - frame.left) * scale, (mark.top - frame.top) * scale];
    const { data } = canvas.getContext("2d")?.getImageData(x, y, mark.width * scale, mark.height * scale) ?? {};
    if (data === undefined) throw new Error("the page cannot be read");
    let dark = 0;
    for (let pixel = 0; pixel < data.length; pixel += 4) if ((data[pixel] ?? 255) < 128) dark += 1;
    return dark / (data.length / 4);
  }, number);
}

test("an image is shown with its findings marked, and a change since the job is reported", async ({
  signedIn: page,
  world,
}) => {
  const job = await seededJob(world);
  const Text = "Marie Curie in Paris";
  const found = { BeginOffset: 0, EndOffset: 11, Score: 0.9, Text: "Marie Curie", Type: "PERSON" };
  const box = { Left: 0.1, Top: 0.5, Width: 0.4, Height: 0.05 };
  const Blocks = [{ Page: 1, BeginOffset: 0, EndOffset: 20, BoundingBox: box }];
  const results = archiveOf(
    { name: "output", content: lines({ Entities: [found], File: "scan.png" }) },
    { name: "documents.jsonl", content: lines({ File: "scan.png", Format: "image", Pages: 1, Text, Blocks }) },
  );
  await withResults(world, job, { name: "scan.png", content: pngOf(600, 800) }, results, async () => {
    await page.goto(`/jobs/entities/${job.id}/results?tab=documents`);
    await expect(page.getByText("The document has changed since the job read it")).toBeVisible();
    const image = await page.getByTestId("page").locator("img").boundingBox();
    const mark = await page.getByTestId("page-mark").boundingBox();
    if (image === null || mark === null) throw new Error("the image has no mark");
    expect((mark.x - image.x) / image.width).toBeCloseTo(0.1, 2);
    expect((mark.y - image.y) / image.height).toBeCloseTo(0.5, 2);
    expect(mark.width / image.width).toBeGreaterThan(0.2);
    expect(mark.width / image.width).toBeLessThan(0.28);
    await expectAccessible(page);
  });
});

async function fillIn(page: Page, folder: string, kind = "Personal data"): Promise<void> {
  await page.goto("/jobs/create");
  await choose(page, "Analysis type", kind);
  await page.getByLabel("Input S3 location", { exact: true }).fill(`s3://${bucket}/${folder}/`);
  await page.getByLabel("Output S3 location", { exact: true }).fill(`s3://${bucket}/results/`);
  await choose(page, "Input format", /One document per file/);
}

test("a job for the places of personal data shows them marked in the text", async ({ signedIn: page }, info) => {
  await fillIn(page, "private");
  await submit(page);
  await page.getByRole("tab", { name: "Documents (1)" }).click();
  const marks = page.getByTestId("document-text").locator("mark");
  await expect(marks.filter({ hasText: SECRET })).toContainText("CREDIT_DEBIT_NUMBER");
  await expect(marks.filter({ hasText: "anna@example.com" })).toContainText("EMAIL");
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath("offsets.png"), fullPage: true });
});

test("a job for events shows them in their order, with who takes part", async ({ signedIn: page }, info) => {
  await fillIn(page, "deals", "Events");
  await page.getByRole("button", { name: /Target event types/ }).click();
  await page.getByRole("option", { name: "CORPORATE_ACQUISITION" }).click();
  await page.getByRole("option", { name: "STOCK_SPLIT" }).click();
  await page.keyboard.press("Escape");
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath("events-form.png"), fullPage: true });
  await submit(page);
  await page.getByRole("tab", { name: "Documents (1)" }).click();
  const events = page.getByRole("list", { name: "Events in the order of the text" }).getByRole("listitem");
  await expect(events).toHaveCount(2);
  await expect(events.first()).toContainText("CORPORATE_ACQUISITION");
  await expect(events.first()).toContainText("Lakeside Foundry LLC");
  await expect(events.last()).toContainText("1-for-10");
  await events.first().getByRole("button").first().click();
  await expect(page.getByTestId("document-text").locator("mark").first()).toContainText("acquired");
  await expectAccessibleInBothThemes(page);
  await page.screenshot({ path: info.outputPath("events-light.png"), fullPage: true });
  await showTheme(page, "dark");
  await page.screenshot({ path: info.outputPath("events-dark.png"), fullPage: true });
  await page.setViewportSize({ width: 400, height: 800 });
  await page.screenshot({ path: info.outputPath("events-narrow.png"), fullPage: true });
});

test("a job that redacts shows its copies and what the check said, and nothing that was found", async ({
  signedIn: page,
}, info) => {
  const picture = (name: string) => page.screenshot({ path: info.outputPath(`${name}.png`), fullPage: true });
  await fillIn(page, "private");
  await choose(page, "Output mode", /Redacted copies/);
  await choose(page, "Replace with", /The type/);
  await submit(page);
  await expect(page.getByTestId("check")).toContainText("The check passed");
  await page.getByRole("button", { name: "Show mail.txt.out" }).click();
  const text = page.getByTestId("redacted-text");
  await expect(text).toContainText("[CREDIT_DEBIT_NUMBER]");
  await expect(text).toContainText("[EMAIL]");
  for (const found of [SECRET, "anna@example.com", "Schmidt"]) await expect(page.getByText(found)).toHaveCount(0);
  await expectAccessibleInBothThemes(page);
  await picture("redacted-light");
  await showTheme(page, "dark");
  await page.setViewportSize({ width: 400, height: 800 });
  await picture("redacted-dark-narrow");
  await page.setViewportSize({ width: 1280, height: 900 });
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download mail.txt.out" }).click();
  expect((await downloading).suggestedFilename()).toBe("mail.txt.out");
});

test("a redacted PDF is shown as its pages, without the text that was found", async ({ signedIn: page }, info) => {
  await fillIn(page, "mixed");
  await expect(page.getByTestId("documents")).toContainText("The job reads documents of every format");
  await choose(page, "Output mode", /Redacted copies/);
  await submit(page);
  await expect(page.getByText("CREDIT_DEBIT_NUMBER 1")).toBeVisible();
  await page.getByRole("button", { name: "Show card.pdf.redacted.pdf" }).click();
  await expect(page.locator(".page-frame canvas")).toHaveAttribute("aria-busy", "false");
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath("redacted-pdf.png"), fullPage: true });
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import type { Page } from "@playwright/test";
import { COMPREHEND_SERVICE, serviceTrust } from "../src/access/data/trust";
import { drop, pdfOf, writeFiles } from "./files";
import { expect, expectAccessible, test, type World } from "./world";

const FILES = {
  "note.txt": "Pierre Curie taught in Paris.\n",
  "letters/report.pdf": pdfOf("Marie Curie was born in Warsaw.", "Ada Lovelace wrote to London."),
  "letters/page.html": "<p>Charles Babbage lived in London.</p>",
  "table.csv": "name,city\nAlan Turing,Manchester\n",
  "old.doc": "\0 an office file",
  README: "Nothing to read here but text.\n",
};

let folder: string;
let role: string;
let bucket: string;

test.beforeAll(async ({ world }) => {
  folder = await mkdtemp(join(tmpdir(), "reading-room-documents-"));
  await writeFiles(join(folder, "inbox"), FILES);
  bucket = `e2e-documents-${Date.now()}`;
  role = await makeRole(world, `e2e-documents-${Date.now()}`);
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

test("a dropped folder of many formats is uploaded and read", async ({ signedIn: page }, info) => {
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
  await expect(page.getByText("Errors (0)")).toBeVisible();
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { Locator, Page } from "@playwright/test";
import { expect, expectAccessible, test, type World } from "./world";

const MIB = 1024 * 1024;

let folder: string;

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reading-room-uploads-"));
});

test.afterAll(async () => rm(folder, { recursive: true, force: true }));

async function makeBucket(world: World, name: string): Promise<string> {
  const Bucket = `${name}-${Date.now()}`;
  await world.s3().send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

/** The keys of a bucket, in order. */
async function keysOf(world: World, Bucket: string): Promise<string[]> {
  const { Contents = [] } = await world.s3().send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key }) => Key ?? "");
}

async function openUpload(page: Page, bucket: string): Promise<Locator> {
  await page.goto(`/s3/${bucket}`);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  return page.getByRole("dialog");
}

/** Requests with bytes for a bucket, which a test holds back. */
interface Hold {
  /** How many are held. */
  readonly held: () => number;
  /** Release them, and all later ones. */
  readonly letGo: () => void;
}

/** Hold back the requests with bytes for a bucket, except this many first ones. */
async function hold(page: Page, bucket: string, passing = 0): Promise<Hold> {
  let [seen, held] = [0, 0];
  let letGo = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route(`**/${bucket}/**`, async (route) => {
    if (route.request().method() === "PUT" && ++seen > passing) {
      held += 1;
      await gone;
    }
    await route.continue();
  });
  return { held: () => held, letGo };
}

test("a folder is uploaded with its paths, and a second upload keeps existing objects", async ({
  signedIn: page,
  world,
}) => {
  const bucket = await makeBucket(world, "uploads-folder");
  const letters = join(folder, "letters");
  await mkdir(join(letters, "1843"), { recursive: true });
  await writeFile(join(letters, "index.txt"), "Two letters.\n");
  await writeFile(join(letters, "1843", "lovelace.txt"), "Dear Babbage, I am working very hard for you.\n");

  let dialog = await openUpload(page, bucket);
  await dialog.getByLabel("Folder to upload").setInputFiles(letters);
  await expect(dialog.getByText("letters/1843/lovelace.txt")).toBeVisible();
  await expect(dialog.getByText(/^2 files, \d+ bytes$/)).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(page.getByText("0 transfers to go")).toBeVisible();
  expect(await keysOf(world, bucket)).toEqual(["letters/1843/lovelace.txt", "letters/index.txt"]);
  await page.getByRole("link", { name: "letters/" }).click();
  await expect(page.getByRole("link", { name: "1843/" })).toBeVisible();

  dialog = await openUpload(page, bucket);
  await dialog.getByLabel("Folder to upload").setInputFiles(letters);
  await dialog.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(page.getByText("An object with this key already exists.")).toHaveCount(2);
  await expect(page.getByText("0 transfers to go, 2 failed")).toBeVisible();
});

for (const [what, size, passing] of [
  ["in one request", 4 * MIB, 0],
  ["in parts", 24 * MIB, 1],
] as const) {
  test(`an upload ${what} that is cancelled leaves nothing behind`, async ({ signedIn: page, world }) => {
    const bucket = await makeBucket(world, "uploads-cancelled");
    const path = join(folder, `${size}.bin`);
    await writeFile(path, Buffer.alloc(size, 7));
    const dialog = await openUpload(page, bucket);
    await dialog.getByLabel("Files to upload").setInputFiles(path);
    const { held, letGo } = await hold(page, bucket, passing);
    await dialog.getByRole("button", { name: "Upload", exact: true }).click();
    await expect.poll(held).toBeGreaterThan(0);
    await page.getByRole("button", { name: `Cancel ${basename(path)}` }).click();
    await expect(page.getByText("Cancelled", { exact: true })).toBeVisible();
    await expect(page.getByText("0 transfers to go")).toBeVisible();

    // A pending request would arrive now.
    letGo();
    await page.waitForTimeout(2_000);
    expect(await keysOf(world, bucket)).toEqual([]);
    const left = async (): Promise<number> =>
      (await world.s3().send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
    await expect.poll(left).toBe(0);
  });
}

test("an upload continues while other pages are shown", async ({ signedIn: page, world }) => {
  const bucket = await makeBucket(world, "uploads-left");
  const path = join(folder, "left.bin");
  await writeFile(path, Buffer.alloc(3 * MIB, 7));
  const dialog = await openUpload(page, bucket);
  await dialog.getByLabel("Files to upload").setInputFiles(path);
  const { held, letGo } = await hold(page, bucket);
  await dialog.getByRole("button", { name: "Upload", exact: true }).click();
  await expect.poll(held).toBe(1);
  await page.getByRole("link", { name: "Analysis jobs" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Analysis jobs" })).toBeVisible();
  letGo();
  await expect.poll(() => keysOf(world, bucket)).toEqual(["left.bin"]);
});

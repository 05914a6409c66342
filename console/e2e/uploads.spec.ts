import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { Locator, Page } from "@playwright/test";
import { expect, expectAccessible, test, type World } from "./world";

const MIB = 1024 * 1024;
/** So slow that a few MiB take seconds, in bytes a second. */
const SLOW = MIB;

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

/** Return what lets the page send so many bytes a second; -1 is as many as it can. */
async function uploadLimit(page: Page): Promise<(uploadThroughput: number) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const others = { offline: false, latency: 0, downloadThroughput: -1 };
  return async (uploadThroughput) => {
    await session.send("Network.emulateNetworkConditions", { ...others, uploadThroughput });
  };
}

test("a folder goes up with its paths, and a second time what is there already stays", async ({
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
  await expect(page.getByText("There is an object of this key already.")).toHaveCount(2);
  await expect(page.getByText("0 transfers to go, 2 failed")).toBeVisible();
});

for (const [what, size] of [
  ["in one request", 4 * MIB],
  ["in parts", 24 * MIB],
] as const) {
  test(`an upload ${what} that is cancelled leaves nothing behind`, async ({ signedIn: page, world }) => {
    const bucket = await makeBucket(world, "uploads-cancelled");
    const path = join(folder, `${size}.bin`);
    await writeFile(path, Buffer.alloc(size, 7));
    const dialog = await openUpload(page, bucket);
    await dialog.getByLabel("Files to upload").setInputFiles(path);
    const limit = await uploadLimit(page);
    await limit(SLOW);
    const sending = page.waitForRequest((request) => request.method() === "PUT" && request.url().includes(bucket));
    await dialog.getByRole("button", { name: "Upload", exact: true }).click();
    await sending;
    await page.getByRole("button", { name: `Cancel ${basename(path)}` }).click();
    await expect(page.getByText("Cancelled", { exact: true })).toBeVisible();
    await expect(page.getByText("0 transfers to go")).toBeVisible();

    // What were still on its way would arrive now.
    await limit(-1);
    await page.waitForTimeout(2_000);
    expect(await keysOf(world, bucket)).toEqual([]);
    const left = async (): Promise<number> =>
      (await world.s3().send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
    await expect.poll(left).toBe(0);
  });
}

test("an upload goes on while other pages are shown", async ({ signedIn: page, world }) => {
  const bucket = await makeBucket(world, "uploads-left");
  const path = join(folder, "left.bin");
  await writeFile(path, Buffer.alloc(3 * MIB, 7));
  const dialog = await openUpload(page, bucket);
  await dialog.getByLabel("Files to upload").setInputFiles(path);
  await (await uploadLimit(page))(SLOW);
  await dialog.getByRole("button", { name: "Upload", exact: true }).click();
  await page.getByRole("link", { name: "Analysis jobs" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Analysis jobs" })).toBeVisible();
  await expect.poll(() => keysOf(world, bucket)).toEqual(["left.bin"]);
});

import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { columnsOf, expect, expectAccessible, test } from "./world";

const HOSTILE = "<img src=x onerror=alert(1)> مرحبا";

test("a bucket from creation to deletion", async ({ signedIn: page }) => {
  const bucket = `s3-page-${Date.now()}`;
  await page.goto("/s3");
  await page.getByRole("button", { name: "Create bucket" }).first().click();
  await page.getByLabel("Bucket name").fill(bucket);
  await page.getByRole("dialog").getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByRole("heading", { level: 1, name: bucket })).toBeVisible();

  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.getByLabel("Files to upload").setInputFiles([
    { name: "page.html", mimeType: "text/html", buffer: Buffer.from(HOSTILE) },
    { name: "large.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(9 * 1024 * 1024, 7) },
  ]);
  await page.getByRole("dialog").getByRole("button", { name: "Upload", exact: true }).click();
  await expect(page.getByText("0 transfers to go")).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("link", { name: "page.html" }).click();
  await page.getByRole("button", { name: "Show preview" }).click();
  await expect(page.getByLabel("Preview of the object")).toHaveText(HOSTILE);
  await expectAccessible(page);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  expect((await coming).suggestedFilename()).toBe("page.html");

  await page.goto("/s3");
  await page.getByRole("radio", { name: bucket }).check({ force: true });
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("It has 2 objects")).toBeVisible();
  await page.getByLabel("Delete all objects first").check({ force: true });
  await page.getByLabel(`Type ${bucket}`).fill(bucket);
  await page.getByRole("button", { name: "Delete bucket", exact: true }).click();
  await expect(page.getByText(`The bucket ${bucket} is deleted.`)).toBeVisible();
});

test("a success is reported on the page that it leads to, and not on the next one", async ({ signedIn: page }) => {
  const bucket = `s3-notice-${Date.now()}`;
  await page.goto("/s3");
  await page.getByRole("button", { name: "Create bucket" }).first().click();
  await page.getByLabel("Bucket name").fill(bucket);
  await page.getByRole("dialog").getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByRole("heading", { level: 1, name: bucket })).toBeVisible();
  const notice = page.getByText(`The bucket ${bucket} is created.`);
  await expect(notice).toBeVisible();
  // Long enough to read it, which is longer than the change of page.
  await page.waitForTimeout(2500);
  await expect(notice).toBeVisible();
  await page.getByRole("link", { name: "Buckets", exact: true }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: "Buckets" })).toBeVisible();
  await expect(notice).toHaveCount(0);
});

test("keys that are not file names are shown, and their links work", async ({ signedIn: page, world }) => {
  const Bucket = `s3-keys-${Date.now()}`;
  const s3 = world.s3();
  await s3.send(new CreateBucketCommand({ Bucket }));
  for (const Key of ["a//b.txt", "a/\u202etxt.exe", "a/<b>bold</b>"]) {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  }
  await page.goto(`/s3/${Bucket}?prefix=a/`);
  await expect(page.getByRole("link", { name: "\\u{202e}txt.exe" })).toBeVisible();
  // The third key is two folders: "a/" and "<b>bold<", whose text is text.
  await expect(page.getByRole("link", { name: "<b>bold</" })).toBeVisible();
  await page.getByRole("link", { name: "(no name)/" }).click();
  await page.getByRole("link", { name: "b.txt" }).click();
  await page.getByRole("button", { name: "Show preview" }).click();
  await expect(page.getByLabel("Preview of the object")).toHaveText("a//b.txt");

  // The columns stay where they are when a page has longer names.
  const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const number = (at: number): string => String(at).padStart(2, "0");
  await Promise.all(Array.from({ length: 50 }, (_, at) => put(`many/${number(at)}`)));
  await put(`many/99-${"a-very-long-name-".repeat(8)}.txt`);
  await page.goto(`/s3/${Bucket}?prefix=many/`);
  const table = page.getByRole("table", { name: "Objects" });
  await expect(table.getByRole("link", { name: "00" })).toBeVisible();
  const before = await columnsOf(table);
  await page.getByRole("button", { name: "Next page" }).click();
  await expect(table.getByRole("link", { name: /^99-a-very-long/ })).toBeVisible();
  expect(await columnsOf(table)).toEqual(before);

  await page.goto(`/s3/${Bucket}?key=${encodeURIComponent("a/../../other/x")}`);
  await expect(page.getByText("This object cannot be read here")).toBeVisible();
});

test("a bucket policy that S3 refuses is marked at its place", async ({ signedIn: page, world }) => {
  const Bucket = `s3-policy-${Date.now()}`;
  await world.s3().send(new CreateBucketCommand({ Bucket }));
  await page.goto(`/s3/${Bucket}`);
  await page.getByRole("tab", { name: "Policy", exact: true }).click();
  await page.getByRole("button", { name: "Start with an example" }).click();
  const editor = page.getByRole("textbox", { name: "Bucket policy document" });
  await editor.fill('{"Version": "2012-10-17",\n "Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]}');
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByTestId("policy-problem")).toContainText("MalformedPolicy");
  await expect(page.getByTestId("policy-problem")).toContainText("Line 2");
  await expectAccessible(page);
});

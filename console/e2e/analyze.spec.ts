import { expect, expectAccessible, test } from "./world";

test("a text is analyzed by every kind, with its calls as code", async ({ signedIn: page }) => {
  await page.goto("/analyze");
  await page.getByRole("button", { name: "Analyze", exact: true }).click();
  await expect(page.getByText("DetectEntities answered in")).toBeVisible({ timeout: 30_000 });
  const found = page.getByRole("region", { name: "Analyzed text with entities" });
  await expect(found.getByText("Marie Curie")).toBeVisible();
  await expect(found.getByText("PERSON").first()).toBeVisible();
  await expect(page.getByText("detected, score")).toBeVisible();
  await page.getByRole("button", { name: "Application integration" }).click();
  await page.getByRole("tab", { name: "AWS CLI" }).click();
  await expect(page.getByText("aws comprehend detect-entities")).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Language", exact: true }).click();
  await expect(page.getByText("English (en)").last()).toBeVisible();
  await page.getByRole("tab", { name: "Key phrases" }).click();
  await expect(page.getByRole("region", { name: "Analyzed text with key phrases" })).toBeVisible({ timeout: 30_000 });
});

test("an unsupported language is reported before a call is made", async ({ signedIn: page }) => {
  await page.goto("/analyze");
  await page.getByRole("button", { name: "Sample text" }).click();
  await page.getByRole("menuitem", { name: /Arabic/ }).click();
  await page.getByRole("button", { name: "Analyze", exact: true }).click();
  await page.getByRole("tab", { name: "Targeted sentiment", exact: true }).click();
  await expect(page.getByText("Targeted sentiment is not available in Arabic (ar)")).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: /^Language/ }).click();
  await page.getByRole("option", { name: /Korean/ }).click();
  await page.getByRole("button", { name: "Analyze", exact: true }).click();
  await expect(page.getByTestId("error")).toContainText("UnsupportedLanguageException");
});

test("limits count bytes of UTF-8, and each kind has its own", async ({ signedIn: page }) => {
  await page.goto("/analyze");
  await page.getByLabel("Text", { exact: true }).fill("ä".repeat(2_501));
  await expect(page.getByText("5,002 of 100,000 bytes")).toBeVisible();
  await page.getByRole("button", { name: "Analyze", exact: true }).click();
  await page.getByRole("tab", { name: "Sentiment", exact: true }).click();
  await expect(page.getByText("DetectSentiment takes at most 5,000 bytes")).toBeVisible();
  await page.getByLabel("Text", { exact: true }).fill("a".repeat(100_001));
  await expect(page.getByRole("button", { name: "Analyze", exact: true })).toBeDisabled();
});

test("hostile text is text", async ({ signedIn: page }) => {
  const hostile = '<img src=x onerror="document.title=1"> 😀 Marie Curie moved to Paris. \u202egnp.exe';
  await page.goto("/analyze");
  await page.getByLabel("Text", { exact: true }).fill(hostile);
  await page.getByRole("button", { name: "Analyze", exact: true }).click();
  const found = page.getByRole("region", { name: "Analyzed text with entities" });
  await expect(found).toContainText('<img src=x onerror="document.title=1">', { timeout: 30_000 });
  // Marks after a character of two UTF-16 units are at the right positions.
  await expect(found.locator("mark", { hasText: "Paris" })).toHaveText(/^Paris/);
  expect(await page.title()).toContain("Real-time analysis");
});

test("several texts are one call, and custom models are explained", async ({ signedIn: page }) => {
  await page.goto("/analyze");
  await page.getByRole("button", { name: "Several texts" }).click();
  await page.getByRole("button", { name: /^Analysis Sentiment/ }).click();
  await page.getByRole("option", { name: /^Language/ }).click();
  await page.getByRole("button", { name: "Analyze", exact: true }).click();
  await expect(page.getByText("BatchDetectDominantLanguage answered in")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText(/English \(en\) 0/)).toHaveCount(4);
  await expectAccessible(page);
  await page
    .getByRole("textbox", { name: "Texts" })
    .fill(Array.from({ length: 26 }, (_, index) => `text ${index}`).join("\n"));
  await expect(page.getByText("A batch has at most 25 texts")).toBeVisible();
  await page.getByRole("button", { name: "Your own models" }).click();
  await expect(page.getByText("A custom model answers single calls through an endpoint")).toBeVisible();
});

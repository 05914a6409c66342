import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Locator, type Page } from "@playwright/test";
import { type Keys, World } from "./clients";

export { expect, World };

const ACCOUNT = "000000000001";

interface Fixtures {
  /** A signed-out page of the console. Requests to other origins, and violations of its policy, fail the test. */
  readonly visitor: Page;
  /** The same, signed in as the first administrator. */
  readonly signedIn: Page;
}

interface RunFixtures {
  /** The product of the run. */
  readonly world: World;
}

export const test = base.extend<Fixtures, RunFixtures>({
  world: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are needed from this pattern.
    async ({}, use) => {
      await use(World.ofRun());
    },
    { scope: "worker" },
  ],
  baseURL: async ({ world }, use) => use(world.product.consoleUrl),
  visitor: async ({ page, world }, use) => {
    const wrong = watch(page, world);
    await use(page);
    expect(wrong).toEqual([]);
  },
  signedIn: async ({ visitor, world }, use) => {
    await keepSession(visitor, world.product, "administrator");
    await use(visitor);
  },
});

/** What a page must never do, from now on: requests to other origins, errors, violations of its policy. */
export function watch(page: Page, world: World): readonly string[] {
  const wrong: string[] = [];
  const own = new Set([new URL(world.product.apiUrl).origin, new URL(world.product.consoleUrl).origin]);
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && !own.has(url.origin)) wrong.push(`a request to ${url.origin}`);
  });
  page.on("pageerror", (error) => wrong.push(`an uncaught error: ${error.message}`));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) wrong.push(message.text());
  });
  return wrong;
}

/** Sign the page's browser in as a user, as the sign-in page does: with a key in the store that cannot be extracted. */
export async function keepSession(page: Page, { accessKeyId, secretAccessKey }: Keys, user: string): Promise<void> {
  const identity = { arn: `arn:aws:iam::${ACCOUNT}:user/${user}`, account: ACCOUNT };
  // A page of the origin without scripts: the store belongs to the origin.
  await page.goto("/icon.svg");
  await page.evaluate(
    async ({ accessKeyId, secretAccessKey, identity }) => {
      const bytes = new TextEncoder().encode(`AWS4${secretAccessKey}`);
      const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      await new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("reading-room", 1);
        opening.onupgradeneeded = () => opening.result.createObjectStore("session");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const change = opening.result.transaction("session", "readwrite");
          change.objectStore("session").put({ credentials: { accessKeyId, key }, identity }, "current");
          change.onerror = () => reject(change.error);
          change.oncomplete = () => {
            opening.result.close();
            resolve();
          };
        };
      });
    },
    { accessKeyId, secretAccessKey, identity },
  );
}

/** Choose an option of a drop-down list by the label of its field. */
export async function choose(page: Page, field: string, option: RegExp | string): Promise<void> {
  await page
    .getByRole("button", { name: new RegExp(`^${field}`) })
    .last()
    .click();
  await page.getByRole("option", { name: option }).first().click();
}

/** Fail if a word of a table is broken in two. Words may end after a hyphen or a slash; longer ones than names break. */
export async function expectWholeWords(table: Locator): Promise<void> {
  const broken = await table.evaluate((element, longest) => {
    const found: string[] = [];
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      for (const { 0: word, index } of (text.textContent ?? "").matchAll(/[^\s/-]+[/-]?/g)) {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
        if (lines.size > 1 && word.length <= longest) found.push(word);
      }
    }
    return found;
  }, 34);
  expect(broken, "words in two pieces").toEqual([]);
}

/** Where the columns of a table begin. */
export async function columnsOf(table: Locator): Promise<number[]> {
  return table
    .getByRole("columnheader")
    .evaluateAll((headers) => headers.map((header) => Math.round(header.getBoundingClientRect().left)));
}

/** Show the page in a theme, in place. */
export async function showTheme(page: Page, theme: "light" | "dark"): Promise<void> {
  // Without motion, no colour is in transition when it is checked.
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  const body = page.locator("body");
  if (theme === "dark") await expect(body).toHaveClass(/awsui-dark-mode/);
  else await expect(body).not.toHaveClass(/awsui-dark-mode/);
}

/** Fail if axe finds anything of serious or critical impact on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  await expectNothingSerious(page, {});
}

/** The same in both themes, the light one left on. They differ only in colours, so only these are checked twice. */
export async function expectAccessibleInBothThemes(page: Page): Promise<void> {
  await showTheme(page, "dark");
  await expectNothingSerious(page, { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } });
  await showTheme(page, "light");
  await expectAccessible(page);
}

async function expectNothingSerious(page: Page, options: object): Promise<void> {
  // The pages have no frames: axe need not open another page to combine the results of frames.
  const axe = new AxeBuilder({ page }).options({ ...options, resultTypes: ["violations"] }).setLegacyMode();
  const { violations } = await axe.analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const barriers = serious.map(
    ({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join("\n  ")}`,
  );
  expect(barriers, `barriers of ${page.url()}`).toEqual([]);
}

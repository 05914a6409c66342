import type { Page } from "@playwright/test";
import { archiveOf, lines } from "../tests/results/archives";
import { seededJob, withResults } from "./seeds";
import { expect, expectAccessible, test } from "./world";

const ARABIC = "وُلِدَت ماري كوري في وارسو، وعاشت في Paris.";
const ENGLISH = "Marie Curie lived in Paris.";
const TEXT = `${ARABIC}\n${ENGLISH}`;

const entity = (found: string, Type: string) => {
  const BeginOffset = [...TEXT.slice(0, TEXT.indexOf(found))].length;
  return { BeginOffset, EndOffset: BeginOffset + [...found].length, Score: 0.9, Text: found, Type };
};

test("a text from right to left is shown that way, with the marks on the findings", async ({
  signedIn: page,
  world,
}) => {
  const job = await seededJob(world);
  const Entities = [entity("ماري كوري", "PERSON"), entity("وارسو", "LOCATION"), entity("Marie Curie", "PERSON")];
  const results = archiveOf({ name: "output", content: lines({ Entities, File: "right-to-left.txt" }) });
  await withResults(world, job, { name: "right-to-left.txt", content: TEXT }, results, async () => {
    await page.goto(`/jobs/entities/${job.id}/results`);
    await page.getByRole("tab", { name: /^Documents/ }).click();
    const text = page.getByTestId("document-text");
    const marks = text.locator("mark");
    await expect(marks).toHaveText([/^ماري كوري/, /^وارسو/, /^Marie Curie/]);
    await expect(text).toHaveCSS("direction", "rtl");
    const [curie, warsaw, marie] = await marks.evaluateAll((all) => all.map((mark) => mark.getBoundingClientRect()));
    const frame = await text.evaluate((element) => element.getBoundingClientRect());
    if (curie === undefined || warsaw === undefined || marie === undefined) throw new Error("a mark has no place");
    // The beginning is on the right; the paragraph in another script has its own direction.
    expect(curie.left).toBeGreaterThan(warsaw.right);
    expect(frame.right - curie.right).toBeLessThan(frame.width / 2);
    expect(marie.left - frame.left).toBeLessThan(20);
    await expectAccessible(page);
  });
});

/** The animations that run on the page now. */
async function moving(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    document
      .getAnimations()
      .filter(({ playState }) => playState === "running")
      .map((animation) => (animation.effect as KeyframeEffect | null)?.target?.className ?? "?"),
  );
}

test("nothing moves for users who prefer reduced motion", async ({ signedIn: page, world }) => {
  const { id } = await seededJob(world);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  // The page waits, and shows that, until it gets an answer.
  await page.route(`${world.product.apiUrl}/**`, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`/jobs/entities/${id}/results`);
  await expect.poll(() => moving(page)).not.toEqual([]);
  await page.emulateMedia({ reducedMotion: "reduce" });
  expect(await moving(page)).toEqual([]);
  release();
  await page.getByRole("tab", { name: /^Documents/ }).click();
  await expect(page.getByTestId("document-text")).toBeVisible();
  await page
    .getByRole("button", { name: /^Show ".*" in the text/ })
    .last()
    .click();
  expect(await moving(page)).toEqual([]);
  await page.getByRole("tab", { name: "Overview" }).click();
  expect(await moving(page)).toEqual([]);
  const scrolls = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((element) => getComputedStyle(element).scrollBehavior === "smooth"),
  );
  expect(scrolls).toEqual([]);
});

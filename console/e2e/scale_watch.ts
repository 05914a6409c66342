import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "@playwright/test";

/** What a page's main thread did since the last look, in milliseconds. */
export interface Smoothness {
  /** The longest time from one frame to the next. */
  readonly frame: number;
  /** The longest task; 0 if none took 50 ms. */
  readonly task: number;
  /** The longest time from an input to the next frame. */
  readonly answer: number;
  readonly frames: number;
}

declare global {
  interface Window {
    smoothness: { frame: number; task: number; answer: number; frames: number };
    /** When the sign-in form accepted text, in milliseconds since the navigation began. */
    usableAt: number | undefined;
  }
}

/** Watch the frames and tasks of every page that is loaded from now on. */
export async function watchSmoothness(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.smoothness = { frame: 0, task: 0, answer: 0, frames: 0 };
    let last = performance.now();
    const tick = (now: number): void => {
      window.smoothness.frame = Math.max(window.smoothness.frame, now - last);
      window.smoothness.frames += 1;
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.smoothness.task = Math.max(window.smoothness.task, duration);
    }).observe({ type: "longtask", buffered: true });
    const answers = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries())
        window.smoothness.answer = Math.max(window.smoothness.answer, duration);
    });
    answers.observe({ type: "event", durationThreshold: 16, buffered: true } as PerformanceObserverInit);
  });
}

/** The figures since the last look; this resets them. */
export async function lookAt(page: Page): Promise<Smoothness> {
  return page.evaluate(() => {
    const seen = { ...window.smoothness };
    window.smoothness = { frame: 0, task: 0, answer: 0, frames: 0 };
    return seen;
  });
}

/** Watch, in every page that is loaded from now on, for the time at which the sign-in form accepts text. */
export async function watchSignIn(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      const input = document.querySelector<HTMLInputElement>("input[autocomplete=username]");
      if (input === null || input.disabled) return;
      observer.disconnect();
      // The frame after the next one shows it, and then the thread is free for the first key.
      requestAnimationFrame(() =>
        setTimeout(() => {
          window.usableAt = performance.now();
        }),
      );
    });
    observer.observe(document, { childList: true, subtree: true });
  });
}

/** The most memory that processes of the browser had while they were watched, in bytes. */
export interface Memory {
  /** One page's process, workers included. */
  renderer: number;
  /** The browser's own process: it has the page's blobs, unless they are on disk. */
  browser: number;
  /** The page's own JavaScript objects, without its workers'. */
  heap: number;
}

/** Measure the memory twice a second until the returned function is called. Linux only. */
export async function watchMemory(browser: Browser, page: Page): Promise<() => Promise<Memory>> {
  const whole = await browser.newBrowserCDPSession();
  const own = await page.context().newCDPSession(page);
  await own.send("Performance.enable");
  const most: Memory = { renderer: 0, browser: 0, heap: 0 };
  let over = false;
  const watching = (async () => {
    while (!over) {
      const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
      for (const { type, id } of processInfo) {
        if (type === "renderer" || type === "browser") most[type] = Math.max(most[type], await residentOf(id));
      }
      const { metrics } = await own.send("Performance.getMetrics");
      most.heap = Math.max(most.heap, metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  })();
  // An error is raised at the end, where somebody awaits it; until then nobody handles it.
  watching.catch(() => undefined);
  return async () => {
    over = true;
    await watching;
    await own.detach();
    await whole.detach();
    return most;
  };
}

/** The private bytes of a process: memory shared with others because it belongs to a file is left out. */
async function residentOf(id: number): Promise<number> {
  const status = await readFile(`/proc/${id}/status`, "utf8").catch((error: NodeJS.ErrnoException) => {
    // A process may have ended since it was listed.
    if (error.code === "ENOENT" || error.code === "ESRCH") return "";
    throw error;
  });
  return [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].reduce((sum, [, kB]) => sum + Number(kB) * 1024, 0);
}

/** Print a figure, and add it to the file SCALE_FIGURES, one JSON object per line, for `python -m bench console`. */
export function tell(what: string, figure: string, bar: string, how: string): void {
  process.stdout.write(`    ${what}: ${figure} (bar: ${bar}; ${how})\n`);
  const file = process.env["SCALE_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, figure, bar, how })}\n`);
}

export const milliseconds = (value: number): string => `${Math.round(value).toLocaleString("en")} ms`;
export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString("en")} MB`;

/** Describe the smoothness. */
export const smoothly = ({ task, frame, answer }: Smoothness): string =>
  `longest task ${task === 0 ? "under 50 ms" : milliseconds(task)}, longest time between frames ${milliseconds(frame)}` +
  (answer === 0 ? "" : `, slowest answer to a key or click ${milliseconds(answer)}`);

import { ComprehendClient } from "@aws-sdk/client-comprehend";
import { EC2Client } from "@aws-sdk/client-ec2";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import type { Product } from "./product";

export { expect };

/** The product of this run, and the AWS SDK's clients for it. */
export class World {
  readonly product: Product;

  constructor(product: Product) {
    this.product = product;
  }

  get settings() {
    const { apiUrl, accessKeyId, secretAccessKey } = this.product;
    return { endpoint: apiUrl, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
  }

  readonly comprehend = (): ComprehendClient => new ComprehendClient(this.settings);
  readonly ec2 = (): EC2Client => new EC2Client(this.settings);
  readonly iam = (): IAMClient => new IAMClient(this.settings);
  readonly s3 = (): S3Client => new S3Client({ ...this.settings, forcePathStyle: true });
}

interface Fixtures {
  /** The product of the run. */
  readonly world: World;
  /** A page of the console, nobody signed in. What it asks of other origins, and what its policy stops, fails the test. */
  readonly visitor: Page;
  /** The same, signed in as the first administrator. */
  readonly signedIn: Page;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are needed from this pattern.
  world: async ({}, use) => {
    await use(new World(JSON.parse(process.env["READING_ROOM_E2E"] ?? "null") as Product));
  },
  baseURL: async ({ world }, use) => use(world.product.consoleUrl),
  visitor: async ({ page, world }, use) => {
    const wrong: string[] = [];
    const own = new Set([new URL(world.product.apiUrl).origin, new URL(world.product.consoleUrl).origin]);
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && !own.has(url.origin)) wrong.push(`a request to ${url.origin}`);
    });
    page.on("pageerror", (error) => wrong.push(`an error nobody caught: ${error.message}`));
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) wrong.push(message.text());
    });
    await use(page);
    expect(wrong).toEqual([]);
  },
  signedIn: async ({ visitor, world }, use) => {
    const { accessKeyId, secretAccessKey } = world.product;
    const account = "000000000001";
    const session = {
      credentials: { accessKeyId, secretAccessKey },
      identity: { arn: `arn:aws:iam::${account}:user/administrator`, account },
      kept: true,
    };
    await visitor.addInitScript((text) => {
      // Once a tab: a test that signs out stays signed out.
      if (sessionStorage.getItem("e2e-started") !== null) return;
      sessionStorage.setItem("e2e-started", "yes");
      sessionStorage.setItem("reading-room-session", text);
    }, JSON.stringify(session));
    await use(visitor);
  },
});

/** Fail if axe finds anything of serious or critical impact on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  for (const violation of serious) {
    // The design system's own bar at narrow widths says its orientation, which assistive technology ignores.
    if (violation.id === "aria-allowed-attr")
      violation.nodes = violation.nodes.filter(({ html }) => !/^<nav [^>]*mobile-toolbar/.test(html));
  }
  const left = serious.filter(({ nodes }) => nodes.length > 0);
  const told = left.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join("\n  ")}`);
  expect(told).toEqual([]);
}

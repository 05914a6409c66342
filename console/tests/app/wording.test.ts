// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SOURCE = join(import.meta.dirname, "../../src");

test.each([/clear what is over/i, /close it\b/i, /nine ec2 actions/i])("no page says %s", (retired) => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
  expect(files.length).toBeGreaterThan(300);
  expect(files.filter((file) => retired.test(readFileSync(join(SOURCE, file), "utf8")))).toEqual([]);
});

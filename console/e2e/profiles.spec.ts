import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { callApi } from "./own_api";
import { choose, expect, expectAccessibleInBothThemes, test } from "./world";

const PROGRAM = process.env["READING_ROOM"] ?? join(import.meta.dirname, "../../.venv/bin/reading-room");

let folder: string;

/** A profile for Spanish, whose engine has only rules: a sample of addresses that it finds. */
test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reading-room-profiles-"));
  const lines = Array.from({ length: 60 }, (_, number) => {
    const address = `persona${number}@example.com`;
    const Text = `Escriba a ${address} hoy.`;
    return JSON.stringify({ Text, Entities: [{ BeginOffset: 10, EndOffset: 10 + address.length, Type: "EMAIL" }] });
  });
  await writeFile(join(folder, "cartas.jsonl"), `${lines.join("\n")}\n`);
  await promisify(execFile)(PROGRAM, [
    ...["pii", "calibrate", join(folder, "cartas.jsonl"), "--recall", "0.9", "--language", "es"],
    ...["--output", join(folder, "cartas.profile.json")],
  ]);
});

test.afterAll(async () => rm(folder, { recursive: true, force: true }));

test("a profile is uploaded, made the default, offered to jobs, and deleted", async ({
  signedIn: page,
  world,
}, info) => {
  await page.goto("/pii-profiles");
  await expect(page.getByText("You have no profile.")).toBeVisible();
  const upload = async (file: string): Promise<void> => {
    await page.getByRole("button", { name: "Upload profile" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("input[type=file]").setInputFiles(file);
    await dialog.getByRole("button", { name: "Upload", exact: true }).click();
  };
  await writeFile(join(folder, "other.json"), "{}");
  await upload(join(folder, "other.json"));
  await expect(page.getByRole("dialog")).toContainText("InvalidPiiProfileException");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await upload(join(folder, "cartas.profile.json"));
  const row = page.getByRole("row", { name: /cartas/ });
  await expect(row).toContainText("90 % of each type, with probability 0.95, from 60 documents");
  await row.getByRole("radio").click();
  await page.getByRole("button", { name: "Make default" }).click();
  await expect(row).toContainText("Default");
  await expectAccessibleInBothThemes(page);
  await page.screenshot({ path: info.outputPath("profiles.png"), fullPage: true });

  await page.goto("/jobs/create");
  await choose(page, "Analysis type", "Personal data");
  await choose(page, "Language", /Spanish/);
  await choose(page, "Recall profile", /cartas/);
  await expect(page.getByLabel("Value of tag 1")).toHaveValue("cartas");
  await page.screenshot({ path: info.outputPath("form.png"), fullPage: true });

  await page.goto("/pii-profiles");
  await row.getByRole("radio").click();
  await page.getByRole("button", { name: "Clear default" }).click();
  await expect(row).toContainText("Jobs that name it");
  await row.getByRole("radio").click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("You have no profile.")).toBeVisible();
  expect(await callApi(world, "ListPiiProfiles")).toEqual({ PiiProfiles: [] });
});

import type { Page } from "@playwright/test";
import { refusedRequest } from "./seeds";
import { choose, columnsOf, expect, expectAccessible, expectWholeWords, test } from "./world";

/** Check the explanation of that request, wherever it was opened from. */
async function expectExplained(page: Page, user: string): Promise<void> {
  await expect(page.getByRole("heading", { level: 2, name: "iam:ListUsers" })).toBeVisible();
  await expect(page.getByText("implicitDeny: no statement allows it")).toBeVisible();
  await expect(page.getByText(`user/${user}`).first()).toBeVisible();
}

test("a user from creation to deletion", async ({ signedIn: page }) => {
  const name = `ann-${Date.now()}`;
  await page.goto("/access/users");
  await page.getByRole("button", { name: "Create user" }).first().click();
  await page.getByLabel("User name").fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Create user" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();

  await page.getByRole("button", { name: "Add inline policy" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name", { exact: true }).fill("Look");
  const editor = page.getByRole("textbox", { name: "Policy document" });
  await editor.fill('{"Version": "2012-10-17",\n "Statement": [{"Effect": "Allow", "Resource": "*"}]}');
  await form.getByRole("button", { name: "Save policy" }).click();
  await expect(page.getByTestId("policy-problem")).toContainText("MalformedPolicyDocument");
  await editor.fill(
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}',
  );
  await form.getByRole("button", { name: "Save policy" }).click();
  await expect(page.getByRole("button", { name: "Edit Look" })).toBeVisible();

  await page.getByRole("button", { name: "Create access key" }).click();
  await expect(page.getByText("Store the secret now.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "I have stored the secret" }).click();
  await expect(page.getByText("Active", { exact: true })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Delete user" }).click();
  await expect(page.getByText("inline policy Look", { exact: true })).toBeVisible();
  await page.getByLabel("Remove these").check({ force: true });
  await page.getByLabel(`Type ${name}`).fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText(`The user ${name} is deleted.`)).toBeVisible();
});

test("a role for Comprehend has what its jobs need", async ({ signedIn: page }) => {
  const name = `Jobs-${Date.now()}`;
  await page.goto("/access/roles");
  await page.getByRole("button", { name: "Create role" }).first().click();
  await page.getByLabel("Role name").fill(name);
  await page.getByLabel("Bucket with the documents").fill("papers");
  await page.getByRole("dialog").getByRole("button", { name: "Create role" }).click();
  await expect(page.getByRole("button", { name: "Edit DataAccess" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Trust policy document" })).toContainText("comprehend.amazonaws.com");
});

test("the simulator shows which statement allows, and which key is missing", async ({ signedIn: page }) => {
  await page.goto("/access/simulator");
  await page.getByRole("radio", { name: "A policy that I write" }).check({ force: true });
  await page.getByRole("textbox", { name: "Policy to simulate" }).fill(
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: "s3:GetObject", Resource: "*" },
        {
          Effect: "Allow",
          Action: "s3:PutObject",
          Resource: "*",
          Condition: { StringEquals: { "aws:SourceVpce": "v" } },
        },
      ],
    }),
  );
  await page.getByLabel("Actions", { exact: true }).fill("s3:GetObject s3:PutObject");
  await page.getByRole("button", { name: "Simulate", exact: true }).click();
  await expect(page.getByText("allowed", { exact: true })).toBeVisible();
  await expect(page.getByText("implicitDeny: no statement allows it")).toBeVisible();
  await expect(page.getByRole("cell", { name: /aws:SourceVpce/ }).first()).toBeVisible();
  await expectAccessible(page);
});

test("a refused request is explained by its id, and simulated", async ({ signedIn: page, world }) => {
  const { user, id } = await refusedRequest(world);
  await page.goto("/access/explain");
  await page.getByLabel("Request id or job id").fill("no id at all");
  await expect(page.getByText("There is no id in this text.").first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Explain", exact: true })).toBeDisabled();
  await page.getByLabel("Request id or job id").fill(`An error occurred, request id: ${id}`);
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  await expect(page).toHaveURL(`/access/explain/${id}`);
  await expectExplained(page, user);
  await expectAccessible(page);
  await page.getByRole("link", { name: "Simulate it" }).click();
  await expect(page.getByLabel("Actions", { exact: true })).toHaveValue("iam:ListUsers");
  await expect(page.getByRole("button", { name: new RegExp(`^Principal.*${user}`) })).toBeVisible();
  await page.getByRole("button", { name: "Simulate", exact: true }).click();
  await expect(page.getByText("implicitDeny: no statement allows it")).toBeVisible();

  await page.goto("/access/explain/00000000-0000-0000-0000-000000000000");
  await expect(page.getByTestId("error")).toContainText("cannot be explained");
});

test("a refused request is found among the recent ones, and in the trail by its user", async ({
  signedIn: page,
  world,
}) => {
  const { user, id } = await refusedRequest(world);
  await page.goto("/access/explain");
  await page.getByLabel("Filter Recent denials").fill(id);
  await expect(page.getByText("1 match", { exact: true }).first()).toBeVisible();
  await page.getByRole("link", { name: /^Explain ListUsers of/ }).click();
  await expectExplained(page, user);

  await page.goto("/access/trail");
  const events = page.getByRole("table", { name: "Events" });
  await page.getByLabel("Live").uncheck({ force: true });
  await page.getByRole("button", { name: "Next page" }).click();
  for (const width of [1280, 700]) {
    await page.setViewportSize({ width, height: 900 });
    await expect(events.getByRole("row").nth(1)).toBeVisible();
    const before = await columnsOf(events);
    await expectWholeWords(events);
    await page.getByRole("button", { name: "Previous page" }).click();
    await expectWholeWords(events);
    expect(await columnsOf(events)).toEqual(before);
    await page.getByRole("button", { name: "Next page" }).click();
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await choose(page, "Look up by", "User name");
  await page.getByLabel("Value", { exact: true }).fill(user);
  await page.getByLabel("Value", { exact: true }).press("Enter");
  const row = page.getByRole("row").filter({ hasText: "ListUsers" });
  await expect(row).toContainText("AccessDenied");
  await expect(page.getByRole("heading", { name: "Events (1)" })).toBeVisible();
  await expectAccessible(page);
  await row.getByRole("button", { name: /^Show ListUsers of/ }).click();
  const event = page.getByRole("dialog");
  await expect(event.getByRole("textbox", { name: "Event" })).toContainText(id);
  await expectAccessible(page);
  await event.getByRole("link", { name: "Why was it denied?" }).click();
  await expectExplained(page, user);
});

import { CreateAccessKeyCommand, CreateUserCommand, ListUsersCommand } from "@aws-sdk/client-iam";
import { expect, expectAccessible, test, World } from "./world";

for (const [path, title] of [
  ["/access", "Access"],
  ["/access/users", "Users"],
  ["/access/roles", "Roles"],
  ["/access/groups", "Groups"],
  ["/access/policies", "Policies"],
  ["/access/simulator", "Policy simulator"],
  ["/access/explain", "Explain a denial"],
  ["/access/trail", "Trail"],
] as const) {
  test(`${path} is accessible`, async ({ signedIn: page }) => {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
    await expectAccessible(page);
  });
}

test("a user from its making to its deletion", async ({ signedIn: page }) => {
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

test("a role for Comprehend comes with what its jobs need", async ({ signedIn: page }) => {
  const name = `Jobs-${Date.now()}`;
  await page.goto("/access/roles");
  await page.getByRole("button", { name: "Create role" }).first().click();
  await page.getByLabel("Role name").fill(name);
  await page.getByLabel("Bucket with the documents").fill("papers");
  await page.getByRole("dialog").getByRole("button", { name: "Create role" }).click();
  await expect(page.getByRole("button", { name: "Edit DataAccess" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Trust policy document" })).toContainText("comprehend.amazonaws.com");
});

test("the simulator says which statement allows, and which key lacks", async ({ signedIn: page }) => {
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

test("a refused request is found, and explained", async ({ signedIn: page, world }) => {
  const UserName = `bare-${Date.now()}`;
  await world.iam().send(new CreateUserCommand({ UserName }));
  const { AccessKey } = await world.iam().send(new CreateAccessKeyCommand({ UserName }));
  const bare = new World({
    ...world.product,
    accessKeyId: AccessKey?.AccessKeyId ?? "",
    secretAccessKey: AccessKey?.SecretAccessKey ?? "",
  });
  const refused = await bare
    .iam()
    .send(new ListUsersCommand({}))
    .catch((error: { $metadata: { requestId: string } }) => error.$metadata.requestId);
  expect(typeof refused).toBe("string");
  await page.goto("/access/explain");
  await page.getByLabel("Request id or job id").fill(String(refused));
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  await expect(page.getByText("implicitDeny: no statement allows it")).toBeVisible();
  await expect(page.getByText(`user/${UserName}`).first()).toBeVisible();
  await expectAccessible(page);
});

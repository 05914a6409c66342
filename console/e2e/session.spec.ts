import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { callApi } from "./own_api";
import { seededJob } from "./seeds";
import { expect, expectAccessible, test } from "./world";

test("an access key signs in, and signing out deletes everything", async ({ visitor: page, world }) => {
  await page.goto("/jobs");
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Access key ID").fill(world.product.accessKeyId);
  await page.getByLabel("Secret access key").fill(world.product.secretAccessKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/jobs$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/jobs/i);

  expect(await page.evaluate(() => ({ ...sessionStorage, ...localStorage }))).toEqual({});
  await page.getByRole("button", { name: /administrator/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByText("You are signed out")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Access key ID")).toHaveValue("");
});

test("a wrong secret is refused with AWS's code and what to do", async ({ visitor: page, world }) => {
  await page.goto("/");
  await page.getByLabel("Access key ID").fill(world.product.accessKeyId);
  await page.getByLabel("Secret access key").fill("wrong".repeat(8));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByTestId("error")).toContainText("SignatureDoesNotMatch");
  await expect(page.getByTestId("error")).toContainText("does not belong to the access key");
});

test("a sign-in link works once, and does not replace a session without asking", async ({ visitor: page, world }) => {
  const { Token } = await callApi<{ Token: string }>(world, "CreateSignInToken");
  await page.goto(`/sign-in#${Token}`);
  await expect(page.getByRole("heading", { name: "Reading Room", level: 1 })).toBeVisible();
  expect(page.url()).not.toContain(Token);
  await page.goto("about:blank");
  await page.goto(`/sign-in#${Token}`);
  await expect(page.getByText("You are signed in as")).toBeVisible();
  expect(page.url()).not.toContain(Token);
  await page.getByRole("button", { name: "Sign in with the link" }).click();
  await expect(page.getByText("Signing in with the link failed")).toBeVisible();
  await expect(page.getByText("reading-room console")).toBeVisible();
  await page.getByRole("link", { name: "Keep this session" }).click();
  await expect(page.getByRole("heading", { name: "Reading Room", level: 1 })).toBeVisible();
});

test("signing out ends a link's session on the server", async ({ visitor: page, world }) => {
  const { Token } = await callApi<{ Token: string }>(world, "CreateSignInToken");
  const redeemed = page.waitForResponse((response) =>
    (response.request().headers()["x-amz-target"] ?? "").endsWith(".RedeemSignInToken"),
  );
  await page.goto(`/sign-in#${Token}`);
  const { Credentials: given } = await (await redeemed).json();
  await expect(page.getByRole("heading", { name: "Reading Room", level: 1 })).toBeVisible();
  const credentials = {
    accessKeyId: given.AccessKeyId,
    secretAccessKey: given.SecretAccessKey,
    sessionToken: given.SessionToken,
  };
  const sts = new STSClient({ ...world.settings, credentials });
  const callOutcome = (): Promise<string> =>
    sts.send(new GetCallerIdentityCommand({})).then(
      () => "answered",
      (error: Error) => error.name,
    );
  expect(await callOutcome()).toBe("answered");
  await page.getByRole("button", { name: /administrator/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByText("You are signed out")).toBeVisible();
  await expect.poll(callOutcome).toMatch(/^ExpiredToken/);
  await expect(page.getByTestId("error")).toHaveCount(0);
});

test("a service that is gone is reported once, and is used again when it is back", async ({
  signedIn: page,
  world,
}) => {
  const service = (url: URL): boolean => url.origin === new URL(world.product.apiUrl).origin;
  await page.route(service, (route) => route.abort());
  // This page has a list for each type of job.
  await page.goto("/jobs");
  const notice = page.getByTestId("unreachable");
  await expect(notice).toBeVisible();
  await expect(page.getByTestId("error")).toHaveCount(0);
  await expect(notice).toHaveCount(1);
  await page.unroute(service);
  await notice.getByRole("button", { name: "Try again" }).click();
  await expect(notice).toHaveCount(0);
  await expect(page.getByRole("link", { name: (await seededJob(world)).name }).first()).toBeVisible();
});

test("a role is assumed, and switching back works", async ({ signedIn: page, world }) => {
  const iam = world.iam();
  const RoleName = `looker-${test.info().retry}`;
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: "000000000001" }, Action: "sts:AssumeRole" }],
  };
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const may = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ec2:Describe*", Resource: "*" }] };
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "look", PolicyDocument: JSON.stringify(may) }));
  await page.goto("/assume-role");
  await page.getByLabel("Role ARN").fill(`arn:aws:iam::000000000001:role/${RoleName}`);
  await page.getByRole("button", { name: "Assume role" }).click();
  const menu = page.getByRole("button", { name: /looker/ });
  await expect(menu).toBeVisible();
  await page.goto("/s3");
  await expect(page.getByText("AccessDenied").first()).toBeVisible();
  await menu.click();
  await page.getByRole("menuitem", { name: /Switch back/ }).click();
  await expect(page.getByRole("button", { name: /administrator/ })).toBeVisible();
});

test("a sign-in survives a reload and applies to a second tab, and signing out ends it in both", async ({
  visitor: page,
  world,
}) => {
  const { Token } = await callApi<{ Token: string }>(world, "CreateSignInToken");
  await page.goto(`/sign-in#${Token}`);
  const menu = { name: /administrator/ };
  await expect(page.getByRole("button", menu)).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", menu)).toBeVisible();
  await expect(page.getByRole("link", { name: "Analysis jobs" })).toBeVisible();
  const second = await page.context().newPage();
  await second.goto("/jobs");
  await expect(second.getByRole("heading", { name: "Analysis jobs", level: 1 })).toBeVisible();
  await second.getByRole("button", menu).click();
  await second.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(second.getByText("You are signed out")).toBeVisible();
  await expect(page.getByText("You are signed out")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Access key ID")).toBeVisible();
  await second.close();
});

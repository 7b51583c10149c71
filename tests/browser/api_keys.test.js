/** API keys in the settings. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { launch, open } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { go } from "./harness/views.js";

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** The status with which the server answers a program. @param {string | null} key @param {string} path */
const answers = async (key, path, method = "GET") =>
  (await fetch(`${server.url}/v1${path}`, { method, headers: { authorization: `Bearer ${key}` } })).status;

test("an API key is made with name and scope, shown once, listed and removed", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await go(page, "/settings");
  await page.getByText("No program has a key of yours.").waitFor();
  await page.getByRole("button", { name: "New API key…" }).click();
  await page.getByLabel("Name of the program").fill("Kitchen display");
  await page.getByLabel("It may").selectOption("read");
  await page.getByRole("button", { name: "Create" }).click();
  const secret = page.locator("dialog .secret");
  await secret.waitFor();
  const key = await secret.textContent();
  assert.equal(await answers(key, "/me"), 200);
  assert.equal(await answers(key, "/me/player/pause", "PUT"), 403);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Remove the key Kitchen display" }).waitFor();
  await page.getByText(/^Read the library and what plays; (not used yet|last used on)/).waitFor();
  assert.ok(!(await page.content()).includes(key ?? "?"));

  // The name is taken: the dialog stays open and says why.
  await page.getByRole("button", { name: "New API key…" }).click();
  await page.getByLabel("Name of the program").fill("Kitchen display");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("You have an API key of this name").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();

  await page.getByRole("button", { name: "Remove the key Kitchen display" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("No program has a key of yours.").waitFor();
  assert.equal(await answers(key, "/me"), 401);
  assert.deepEqual(errors, []);
});

test("the dialog for a new password says what else ends, and it does", async () => {
  await server.addUser("anna", "long enough");
  const log = async () => {
    const body = JSON.stringify({ username: "anna", password: "long enough" });
    const headers = { "content-type": "application/json" };
    return (await fetch(`${server.url}/v1/auth/login`, { method: "POST", body, headers })).json();
  };
  const [here, elsewhere] = [await log(), await log()];
  const made = await server.ask(elsewhere.token, "/auth/keys", {
    method: "POST",
    body: JSON.stringify({ name: "Watch", scope: "read" }),
  });
  const context = await browser.newContext({ serviceWorkers: "block" });
  const session = JSON.stringify({ token: here.token, user: here.user });
  await context.addInitScript(`localStorage.setItem("segue.session", ${JSON.stringify(session)})`);
  const page = await context.newPage();
  await page.goto(`${server.url}/settings`);
  await page.getByRole("button", { name: "Change…" }).click();
  await page.getByText("All your other logins end, and your API keys are removed").waitFor();
  await page.getByLabel("Old password").fill("long enough");
  await page.getByLabel("New password").fill("longer than that");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByText("The password is changed.").waitFor();
  assert.equal(await answers(here.token, "/me"), 200);
  assert.equal(await answers(elsewhere.token, "/me"), 401);
  assert.equal(await answers(made.key, "/me"), 401);
});

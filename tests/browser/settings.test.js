/** The settings as people use them: users, passwords, logins, the scan, unreadable files, this browser. */

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { holds, launch, open, stranger, welcomed } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { tone } from "./harness/tones.js";

/** @import {Page} from "playwright-core" */

/** Files of a scan that takes long enough to be observed. */
const FILES = 12_000;

/** The server checks a silent socket every 20 s. */
const LOOKED_AT = { timeout: 60_000 };

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});

// The next test must find nobody playing, however this one ended.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** A WAV file with a tag whose date is none. @param {Buffer} wav */
function withOddDate(wav) {
  const list = Buffer.alloc(26);
  list.write("LIST", 0);
  list.writeUInt32LE(18, 4);
  list.write("INFOICRD", 8);
  list.writeUInt32LE(5, 16);
  list.write("soon\0", 20);
  const bytes = Buffer.concat([wav, list]);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  return bytes;
}

/** A page of a new browser. */
async function visitor() {
  const context = await stranger(browser, { serviceWorkers: "block" });
  const page = await context.newPage();
  await page.goto(server.url);
  return page;
}

/** Fills in the form and sends it. @param {Page} page @param {string} name @param {string} password */
async function send(page, name, password) {
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

/** @param {Page} page @param {string} name @param {string} password */
async function logIn(page, name, password) {
  await send(page, name, password);
  await welcomed(page);
}

/** @param {Page} page */
const toSettings = (page) => page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();

/** The setting whose text begins with these words. @param {Page} page @param {string} words */
const line = (page, words) => page.locator(".setting").filter({ has: page.getByText(words, { exact: true }) });

/**
 * Fills in the open dialog and confirms it.
 * @param {Page} page @param {Record<string, string>} answers @param {string} yes
 */
async function answer(page, answers, yes) {
  const dialog = page.getByRole("dialog");
  for (const [label, text] of Object.entries(answers)) {
    const field = dialog.getByLabel(label);
    if (await field.evaluate((element) => element.tagName === "SELECT")) await field.selectOption(text);
    else await field.fill(text);
  }
  await dialog.getByRole("button", { name: yes, exact: true }).click();
}

test("an admin creates a user, sets their password and role, and removes them; each takes effect at once", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await toSettings(page);
  await page.getByRole("button", { name: "New user…" }).click();
  await answer(page, { "User name": "anna", "Password, 8 characters or more": "short" }, "Create");
  await holds(page, () => Boolean(document.querySelector("dialog input:invalid")));
  await answer(page, { "Password, 8 characters or more": "long enough", Role: "Listener" }, "Create");
  await line(page, "anna").getByText("Listener").waitFor();
  await page.getByRole("button", { name: "New user…" }).click();
  await answer(page, { "User name": "anna", "Password, 8 characters or more": "long enough" }, "Create");
  // The text that was typed is still there, to be corrected.
  await page.getByRole("alert").getByText("This name is taken: choose another one.").waitFor();
  assert.equal(await page.getByRole("dialog").getByLabel("User name").inputValue(), "anna");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();

  const anna = await visitor();
  await logIn(anna, "anna", "long enough");
  await toSettings(anna);
  await anna.getByRole("heading", { name: "Your account" }).waitFor();
  assert.equal(await anna.getByRole("heading", { name: "Users" }).count(), 0, "a listener makes no users");

  await page.getByRole("button", { name: "Role of anna" }).click();
  await answer(page, { Role: "Admin" }, "Change");
  await line(page, "anna").getByText("Admin").waitFor();
  await anna.getByRole("navigation").getByRole("link", { name: "Home" }).click();
  await toSettings(anna);
  await anna.getByRole("heading", { name: "Users" }).waitFor();

  await page.getByRole("button", { name: "Password of anna" }).click();
  await answer(page, { "New password, 8 characters or more": "quite another" }, "Change");
  await anna.getByText("This login has ended. Log in again.").waitFor(LOOKED_AT);
  await send(anna, "anna", "long enough");
  await anna.getByText("The name or the password is wrong").waitFor();
  await logIn(anna, "anna", "quite another");

  await page.getByRole("button", { name: "Remove anna" }).click();
  await answer(page, {}, "Cancel");
  await line(page, "anna").waitFor();
  await page.getByRole("button", { name: "Remove anna" }).click();
  await answer(page, {}, "Remove");
  await line(page, "anna").waitFor({ state: "detached" });
  await anna.getByText("This login has ended. Log in again.").waitFor(LOOKED_AT);
  await send(anna, "anna", "quite another");
  await anna.getByText("The name or the password is wrong").waitFor();
  assert.deepEqual(errors, []);
});

test("users change their own password by the old one, and their other logins end", async () => {
  await server.addUser("bea", "first password");
  const [page, other] = [await visitor(), await visitor()];
  await logIn(page, "bea", "first password");
  await logIn(other, "bea", "first password");
  await toSettings(page);
  await page.getByRole("button", { name: "Change…" }).click();
  await answer(page, { "Old password": "a guess", "New password, 8 characters or more": "second password" }, "Change");
  await page.getByText("The old password is wrong.").waitFor();
  await answer(
    page,
    { "Old password": "first password", "New password, 8 characters or more": "second password" },
    "Change",
  );
  await page.getByText("The password is changed.").waitFor();
  await other.getByText("This login has ended. Log in again.").waitFor(LOOKED_AT);
  await logIn(other, "bea", "second password");
  await welcomed(page);
});

test("the list of logins shows this one, ends another, ends all others, and this page logs out", async () => {
  await server.addUser("carla", "carla's password");
  const pages = [await visitor(), await visitor(), await visitor()];
  for (const page of pages) await logIn(page, "carla", "carla's password");
  const [page, second, third] = pages;
  await toSettings(page);
  const ends = page.getByRole("button", { name: /^End the login of Chrome/ });
  await page.getByText("This login").waitFor();
  await ends.nth(1).waitFor();
  assert.equal(await ends.count(), 2);
  // The newest comes first.
  await ends.first().click();
  await third.getByText("This login has ended. Log in again.").waitFor(LOOKED_AT);
  await holds(page, () => document.querySelectorAll("[aria-label^='End the login of']").length === 1);
  assert.equal(await second.locator(".banner").textContent(), "", "the other one goes on");
  await page.getByRole("button", { name: "End all others" }).click();
  await second.getByText("This login has ended. Log in again.").waitFor(LOOKED_AT);
  await ends.first().waitFor({ state: "detached" });
  await welcomed(page);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem("segue.session")), null);
  await logIn(page, "carla", "carla's password");
  // The device of the ended login is gone: a user who logs in again is one device, not two.
  await page.getByRole("navigation").getByRole("link", { name: "Devices" }).click();
  await page.locator(".row.device").first().waitFor();
  assert.equal(await page.locator(".row.device").count(), 1);
});

test("a scan shows its progress, and the unreadable files until they can be read", async (t) => {
  const { page, errors } = await open(browser, server, "Desk");
  const token = await server.token();
  const { total } = await server.ask(token, "/tracks?limit=1");
  await toSettings(page);
  await page.getByText("Last scan:").waitFor();
  await page.evaluate(() => {
    /** @type {any} */ (window).steps = [];
    const progress = document.querySelector("progress");
    const look = () =>
      progress &&
      !progress.hidden &&
      /** @type {any} */ (window).steps.push([
        progress.value,
        progress.parentElement?.querySelector("[role=status]")?.textContent,
      ]);
    new MutationObserver(look).observe(/** @type {Element} */ (progress), { attributes: true });
  });
  const folder = await server.musicFolder("Many");
  const bytes = tone(0, 400);
  await Promise.all(Array.from({ length: FILES }, (_, index) => writeFile(path.join(folder, `${index}.wav`), bytes)));
  const broken = path.join(folder, "broken.flac");
  await writeFile(broken, "fLaC and then nothing of what should follow");
  const odd = path.join(folder, "odd.wav");
  await writeFile(odd, withOddDate(bytes));
  await page.getByRole("button", { name: "Scan now" }).click();
  await line(page, broken).waitFor({ timeout: 120_000 });
  await page.getByText("Last scan:").waitFor();
  assert.equal((await server.ask(token, "/tracks?limit=1")).total, total + FILES + 1);
  const steps = await page.evaluate(() => /** @type {any} */ (window).steps);
  t.diagnostic(`${steps.length} steps: ${steps.map((/** @type {any} */ [value]) => value.toFixed(2)).join()}`);
  const between = steps.filter((/** @type {any} */ [value]) => value > 0 && value < 1);
  assert.ok(between.length > 0, "it is seen between its beginning and its end");
  assert.match(between[0][1], /^Scanning: [\d,]+ of [\d,]+ files/);
  assert.equal(await page.locator("progress").isVisible(), false);
  await line(page, broken).waitFor();
  const reason = await line(page, broken).locator(".detail").textContent();
  t.diagnostic(`the reason: ${reason}`);
  assert.ok(reason && /[a-z]{4}/.test(reason), "and why");
  await page.getByRole("heading", { name: "Tags read in part" }).waitFor();
  assert.match((await line(page, odd).locator(".detail").textContent()) ?? "", /date/);

  await rm(broken);
  await rm(odd);
  await page.getByRole("button", { name: "Scan now" }).click();
  await page.getByText("Every file could be read.").waitFor();
  await rm(folder, { recursive: true });
  assert.deepEqual(errors, []);
});

test("the settings of this browser hold at once, and after reloading", async () => {
  const { page, errors } = await open(browser, server, "Desk", { colorScheme: "light" });
  await toSettings(page);
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.getByLabel("Appearance").selectOption("Dark");
  assert.notEqual(await paper(), light);
  await page.getByRole("switch", { name: /Even out loudness/ }).click();
  await page.getByLabel(/Name of this device/).fill("Study");
  await page.getByLabel(/Name of this device/).press("Enter");
  await page.getByLabel("Keep music for offline").selectOption("Nothing");
  await page.reload();
  await welcomed(page);
  assert.notEqual(await paper(), light);
  assert.equal(await page.getByRole("switch", { name: /Even out loudness/ }).isChecked(), false);
  assert.equal(await page.getByLabel(/Name of this device/).inputValue(), "Study");
  assert.equal(await page.getByLabel("Keep music for offline").inputValue(), "0");
  assert.deepEqual(errors, []);
});

/** How people come in: by the set-up link of a new server, and on another device by a code. The pages' own policy holds. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** A page of a browser that nobody has used, and what the browser complained of. @param {string} address */
async function stranger(address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.text().includes("Content Security Policy") && complaints.push(message.text()));
  await page.goto(address);
  return { page, context, complaints };
}

test("the set-up link makes the first account and leads in, and its secret leaves the address", async (t) => {
  const { link, end } = await Server.unused();
  t.after(end);
  const { page, context, complaints } = await stranger(link);
  await page.getByText("Make the first account").waitFor();
  await page.getByLabel("User name").fill("anna");
  await page.getByLabel("Password").fill("long enough");
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.waitForSelector("player-bar", { state: "attached" });
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).hash, "/");
  await page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Users" }).waitFor();
  await context.close();
  const again = await stranger(link);
  await again.page.getByLabel("User name").fill("eve");
  await again.page.getByLabel("Password").fill("long enough");
  await again.page.getByRole("button", { name: "Make the account" }).click();
  await again.page.getByText("This set-up link is not valid").waitFor();
  assert.deepEqual([...complaints, ...again.complaints], []);
  await again.context.close();
});

test("a code that one device shows logs another in, once", async (t) => {
  const server = await Server.start();
  t.after(() => server.end());
  const first = await open(browser, server, "Desk");
  await first.page.goto(`${server.url}/settings`);
  const shown = async (/** @type {import("playwright-core").Page} */ page) => {
    await page.getByRole("button", { name: "Log in on another device" }).click();
    await page.locator("dialog .code").waitFor();
    const side = await page.locator("dialog .qr").evaluate((/** @type {HTMLImageElement} */ image) => image.decode().then(() => image.naturalWidth));
    assert.ok(side > 100, "the picture is there");
    return (await page.locator("dialog .code").textContent()) ?? "";
  };
  const code = await shown(first.page);
  const phone = await stranger(`${server.url}/login#${code}`);
  await phone.page.waitForSelector("player-bar", { state: "attached" });
  assert.equal(new URL(phone.page.url()).hash, "");

  const late = await stranger(server.url);
  await late.page.getByRole("button", { name: "Use a code from another device" }).click();
  await late.page.getByLabel("Code").fill(code);
  await late.page.getByRole("button", { name: "Log in", exact: true }).click();
  await late.page.getByText("This code is not valid").waitFor();
  await phone.page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
  await late.page.getByLabel("Code").fill(` ${(await shown(phone.page)).toLowerCase().replace("-", "")} `);
  await late.page.getByRole("button", { name: "Log in", exact: true }).click();
  await late.page.waitForSelector("player-bar", { state: "attached" });
  assert.deepEqual([...phone.complaints, ...late.complaints, ...first.errors], []);
});

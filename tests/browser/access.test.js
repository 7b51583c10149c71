/**
 * Accessibility: axe-core on each view, menu and dialog, with and without music, light and dark, on desktop and phone;
 * and everything with the keyboard alone.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { holds, launch, open, shown, stranger, until, welcomed, command } from "./harness/browser.js";
import { keeping, keeps } from "./harness/keeping.js";
import { Server } from "./harness/server.js";
import { EMPTY, cutOff, furnish, logIn, show } from "./harness/views.js";

/** @import {BrowserContextOptions, Page} from "playwright-core" */

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
/** @type {[string, BrowserContextOptions][]} */
const LOOKS = [
  ["desktop, light", { ...DESKTOP, colorScheme: "light" }],
  ["desktop, dark", { ...DESKTOP, colorScheme: "dark" }],
  ["phone, light", { ...PHONE, colorScheme: "light" }],
  ["phone, dark", { ...PHONE, colorScheme: "dark" }],
];

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tracks;
/** @type {Record<string, string>} the views by name */ let views;

before(async () => {
  server = await Server.start();
  browser = await launch();
  await server.addUser("nora", "nora's password");
  const token = await server.token();
  tracks = (await server.ask(token, "/tracks?limit=8")).items;
  const { albums } = await server.ask(token, "/search?q=five+small&type=album");
  views = await furnish(server, tracks, albums.items[0]);
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/**
 * The serious and critical barriers that axe-core finds in the page.
 * @param {Page} page @param {string} name
 * @returns {Promise<string[]>}
 */
async function examine(page, name) {
  const found = await page.evaluate(() =>
    /** @type {any} */ (window).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
      resultTypes: ["violations"],
    }),
  );
  const serious = found.violations.filter((/** @type {any} */ violation) =>
    ["serious", "critical"].includes(violation.impact),
  );
  return serious.map(
    (/** @type {any} */ violation) =>
      `${name}: ${violation.id}: ${violation.nodes
        .slice(0, 3)
        .map((/** @type {any} */ node) => `${node.html.slice(0, 160)} ${node.failureSummary?.split("\n")[1] ?? ""}`)
        .join(" | ")}`,
  );
}

for (const [look, options] of LOOKS) {
  test(`no serious accessibility barrier: ${look}`, async (t) => {
    const started_ms = Date.now();
    const kitchen = await open(browser, server, "Kitchen");
    const { page, errors, context } = await keeping(browser, server, "Desk", { ...options, reducedMotion: "reduce" });
    await page.evaluate(AXE);
    await command(page, { op: "play", tracks: tracks.map(({ id }) => id), on: (await shown(page)).own });
    await until(page, { status: "playing", isHere: true });
    await keeps(page, 3);
    /** @type {string[]} */
    const barriers = [];
    let count = 0;
    /** @param {string} name @param {Page} [of] */
    const lookAt = async (name, of = page) => {
      barriers.push(...(await examine(of, name)));
      count += 1;
    };
    for (const [name, address] of Object.entries(views)) {
      await show(page, address);
      await lookAt(name);
    }
    await page.locator("player-bar .where").click();
    await lookAt("panel of devices");
    await page.keyboard.press("Escape");
    await show(page, views.playlist);
    const menu = async (/** @type {string} */ of) => {
      await page
        .getByRole("button", { name: `More about ${of}` })
        .first()
        .click({ force: true });
      await page.getByRole("menu").waitFor();
    };
    await menu(tracks[0].name);
    await lookAt("menu");
    await page.getByRole("menuitem", { name: "Add to playlist…" }).click();
    await page.getByRole("dialog").getByLabel("Playlist").waitFor();
    await lookAt("question with a choice");
    await page.keyboard.press("Escape");
    await menu("Sunday morning");
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByRole("dialog").waitFor();
    await lookAt("question");
    await page.keyboard.press("Escape");
    await show(page, "/settings");
    await page.getByRole("button", { name: "Log in on another device" }).click();
    await page.locator("dialog .code").waitFor();
    await lookAt("code");
    await page.getByRole("dialog").getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "New user…" }).click();
    await page.getByRole("dialog").waitFor();
    await lookAt("question with fields");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await lookAt("keys");
    await page.keyboard.press("Escape");
    await cutOff(page);
    await lookAt("cut off");
    assert.deepEqual(errors, []);
    await Promise.all([context.close(), kitchen.context.close()]);

    const outside = await stranger(browser, { ...options, reducedMotion: "reduce", serviceWorkers: "block" });
    const fresh = await outside.newPage();
    for (const [name, address] of Object.entries({ "set up": "/setup#secret", "log in": "/" })) {
      await fresh.goto("about:blank");
      await fresh.goto(server.url + address);
      await fresh.waitForSelector("view-login form");
      await fresh.evaluate(AXE);
      await lookAt(name, fresh);
    }
    await fresh.getByRole("button", { name: "Use a code from another device" }).click();
    await lookAt("log in by a code", fresh);
    await fresh.getByRole("button", { name: "Use name and password" }).click();
    await logIn(fresh, "nora", "nora's password");
    await welcomed(fresh);
    for (const [name, address] of Object.entries(EMPTY)) {
      await show(fresh, address);
      await lookAt(`empty ${name}`, fresh);
    }
    await outside.close();
    t.diagnostic(`${count} looks in ${((Date.now() - started_ms) / 1000).toFixed(0)} s`);
    assert.deepEqual(barriers, []);
  });
}

test("the keyboard alone logs in, finds, plays, pauses and moves the music", async () => {
  const other = await open(browser, server, "Kitchen");
  const context = await browser.newContext({ serviceWorkers: "block" });
  const page = await context.newPage();
  const { keyboard } = page;
  await page.goto(server.url);
  await page.waitForSelector("view-login form");
  await keyboard.type("demo");
  await keyboard.press("Tab");
  await keyboard.type(server.password);
  await keyboard.press("Enter");
  await welcomed(page);
  await keyboard.press("/");
  await page.waitForSelector("view-search input:focus");
  await keyboard.type("carier wave");
  await page.getByRole("button", { name: "Play Carrier Wave" }).first().waitFor();
  await keyboard.press("Enter");
  await until(page, { status: "playing", isHere: true });
  await keyboard.press("Escape");
  await holds(page, () => document.activeElement === document.body);
  await keyboard.press("Space");
  await until(page, { intent: "pause" });
  await keyboard.press("Space");
  await until(page, { status: "playing" });
  // Tab goes from control to control until it reaches the devices.
  for (let tabs = 0; tabs < 80; tabs += 1) {
    await keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.classList.contains("where"))) break;
  }
  await keyboard.press("Enter");
  await page.waitForSelector(".panel .move:focus");
  await keyboard.press("Enter");
  await until(other.page, { isHere: true });
  await keyboard.press("Escape");
  // The focus is back where it was.
  await holds(page, () => document.activeElement?.classList.contains("where"));
  await context.close();
  await other.context.close();
});

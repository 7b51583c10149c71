/** Everybody can use it: axe-core on each view, in both colours, and the whole way with the keyboard alone. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { holds, launch, open, until, welcomed } from "./harness/browser.js";
import { Server } from "./harness/server.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {Record<string, string>} the views by name */ let views;

before(async () => {
  server = await Server.start();
  browser = await launch();
  const token = await server.token();
  const tracks = (await server.ask(token, "/tracks?limit=8")).items;
  const playlist = await server.ask(token, "/me/playlists", { method: "POST", body: JSON.stringify({ name: "Sunday" }) });
  const uris = tracks.map((/** @type {any} */ track) => track.uri);
  await server.ask(token, `/playlists/${playlist.id}/tracks`, { method: "POST", body: JSON.stringify({ uris }) });
  const [{ album, artists }] = tracks;
  views = {
    home: "/", search: "/search?q=a", albums: "/albums", album: `/album/${album.id}`, artists: "/artists", artist: `/artist/${artists[0].id}`,
    tracks: "/tracks", saved: "/saved", playlists: "/playlists", playlist: `/playlist/${playlist.id}`, queue: "/queue", devices: "/devices", offline: "/offline",
    now: "/now", settings: "/settings",
  };
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** @param {import("playwright-core").Page} page @param {string} name */
async function examine(page, name) {
  const found = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  const serious = found.violations.filter((/** @type {any} */ violation) => ["serious", "critical"].includes(violation.impact));
  return serious.map((/** @type {any} */ violation) => `${name}: ${violation.id}: ${violation.nodes.slice(0, 3).map((/** @type {any} */ node) => `${node.html.slice(0, 160)} ${node.failureSummary?.split("\n")[1] ?? ""}`).join(" | ")}`);
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`no view has a serious barrier (${colorScheme})`, async () => {
    const { page, errors, context } = await open(browser, server, "Desk", { colorScheme, reducedMotion: "reduce" });
    await context.addInitScript(AXE);
    /** @type {string[]} */
    const barriers = [];
    for (const [name, address] of Object.entries(views)) {
      await page.goto(server.url + address);
      await welcomed(page);
      await page.waitForSelector("main h1");
      await page.waitForLoadState("networkidle");
      barriers.push(...(await examine(page, name)));
    }
    await page.locator("player-bar .where").click();
    barriers.push(...(await examine(page, "panel of devices")));
    await page.keyboard.press("Escape");
    await page.evaluate(() => localStorage.clear());
    await context.addInitScript(() => localStorage.removeItem("segue.session"));
    await page.goto(server.url);
    await page.waitForSelector("view-login form");
    barriers.push(...(await examine(page, "log in")));
    assert.deepEqual(barriers, []);
    assert.deepEqual(errors, []);
    await context.close();
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
  await page.locator("view-search input").blur();
  await keyboard.press("Space");
  await until(page, { intent: "pause" });
  await keyboard.press("Space");
  await until(page, { status: "playing" });
  // Tab goes round until it comes to the devices.
  for (let tabs = 0; tabs < 80; tabs += 1) {
    await keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.classList.contains("where"))) break;
  }
  await keyboard.press("Enter");
  await page.waitForSelector(".panel .move:focus");
  await keyboard.press("Enter");
  await until(other.page, { isHere: true });
  await keyboard.press("Escape");
  // The focus is where it was.
  await holds(page, () => document.activeElement?.classList.contains("where"));
  await context.close();
  await other.context.close();
});

/** Music that is kept for offline use: listing, playing and removing it, within a limit that the user chose. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { holds, launch, open, sounds, until, welcomed, command } from "./harness/browser.js";
import { isKept, keeping, keeps } from "./harness/keeping.js";
import { Server } from "./harness/server.js";

/** @import {Page} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tones;

before(async () => {
  server = await Server.start();
  tones = await server.addTones([
    { name: "First tone", seconds: 40 },
    { name: "Second tone", seconds: 41 },
    { name: "Third tone", seconds: 42 },
    { name: "Fourth tone", seconds: 43 },
    { name: "Very long tone", seconds: 12.5 * 60 },
  ]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

// The next test needs a running server, however this one ended.
afterEach(async () => {
  if (!server.process) await server.run();
});

/** @param {Page} page */
const toOffline = (page) => page.getByRole("navigation").getByRole("link", { name: "Offline" }).click();

/** The names in the list that is shown. @param {Page} page */
const names = (page) => page.locator(".row.track .title").allTextContents();

test("kept tracks are listed, play without the server, and are removed one by one or all at once", async () => {
  const { page, errors, context } = await keeping(browser, server, "Cellar");
  await toOffline(page);
  await page.getByText("Nothing is kept yet.").waitFor();
  await command(page, { op: "play", tracks: tones.slice(0, 4).map((tone) => tone.id) });
  // The list grows while tracks are kept.
  await page.getByText(/^4 tracks, 15 MB, on this device$/).waitFor();
  await page.getByText("4 MB", { exact: true }).first().waitFor();
  assert.deepEqual((await names(page)).sort(), ["First tone", "Fourth tone", "Second tone", "Third tone"]);
  await command(page, { op: "stop" });
  await server.stop();
  await page.reload();
  await page.getByText("No connection to the server").or(page.getByText("Connecting to the server")).waitFor();
  await page.getByRole("button", { name: "Play Third tone" }).click();
  await until(page, { status: "playing", media_id: tones[2].id });
  await sounds(page);
  await page.locator(".row.track[aria-current]").getByText("Third tone").waitFor();
  await page.getByRole("button", { name: "Play Second tone" }).click();
  await until(page, { status: "playing", media_id: tones[1].id });
  await sounds(page);

  await page.getByRole("button", { name: "More about Fourth tone" }).click({ force: true });
  await page.getByRole("menuitem", { name: "Remove from this device" }).click();
  await page.getByText(/^3 tracks, 11 MB, on this device$/).waitFor();
  assert.equal((await names(page)).includes("Fourth tone"), false);
  await page.getByRole("button", { name: "Remove all…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByText("Nothing is kept yet.").waitFor();
  assert.equal(await page.evaluate(async () => (await (await caches.open("segue-media")).keys()).length), 0);
  await page.goto(`${server.url}/tracks`).catch(() => undefined);
  await server.run();
  await page.goto(`${server.url}/offline`);
  await welcomed(page);
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
  await context.close();
});

test("the chosen limit holds for a worker that was restarted, and a smaller limit makes room at once", async () => {
  const { page, errors, context } = await keeping(browser, server, "Loft");
  await toOffline(page);
  await page.getByLabel("Keep music for offline").selectOption("256 MB");
  const cdp = await context.newCDPSession(page);
  await cdp.send("ServiceWorker.enable");
  await cdp.send("ServiceWorker.stopAllWorkers");
  await command(page, { op: "play", tracks: tones.slice(0, 3).map((tone) => tone.id) });
  await keeps(page, 3);
  await page.getByLabel("Keep music for offline").selectOption("Nothing");
  await page.getByText("Nothing is kept yet.").waitFor();
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
  await context.close();
});

test("when there is no more room, the least recently used tracks go, and the current track stays", async () => {
  const { page, errors, context } = await keeping(browser, server, "Shed");
  /** Waits until these tracks are kept, the last played first. @param {string[]} names */
  const keepsOnly = (...names) =>
    holds(
      page,
      (names) =>
        import(/** @type {any} */ ("/player/offline_cache.js")).then(
          async ({ kept }) => `${(await kept()).map((/** @type {any} */ { track }) => track.name)}` === names,
        ),
      `${names}`,
    );
  for (const index of [0, 1, 2]) {
    await command(page, { op: "play", tracks: [tones[index].id] });
    await until(page, { status: "playing", media_id: tones[index].id });
    await keeps(page, index + 1);
  }
  await keepsOnly("Third tone", "Second tone", "First tone");
  // The oldest track is played again, so another one is removed: a track has 4 MB, and there is room for two.
  await command(page, { op: "play", tracks: [tones[0].id] });
  await keepsOnly("First tone", "Third tone", "Second tone");
  await page.evaluate(() => navigator.serviceWorker.controller?.postMessage({ keep_bytes: 8e6 }));
  await keepsOnly("First tone", "Third tone");
  await command(page, { op: "play", tracks: [tones[3].id] });
  await keepsOnly("Fourth tone", "First tone");
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
  await context.close();
});

test("a track too long to be decoded whole is kept too, and plays from any place without the server", async () => {
  const long = tones[4];
  const { page, errors, context } = await keeping(browser, server, "Attic");
  await command(page, { op: "play", tracks: [long.id] });
  await until(page, { status: "playing", media_id: long.id, isHere: true });
  await keeps(page, 1);
  await toOffline(page);
  await page.getByText(/^1 track, 66 MB, on this device$/).waitFor();
  await command(page, { op: "stop" });
  await server.stop();
  await page.reload();
  await page.getByRole("button", { name: "Play Very long tone" }).click();
  await until(page, { status: "playing", media_id: long.id });
  await sounds(page);
  const bar = page.getByRole("slider", { name: "Position" }).first();
  const box = await bar.boundingBox();
  assert.ok(box);
  await page.mouse.click(box.x + box.width * 0.75, box.y + box.height / 2);
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(
      ({ session }) => session.player.place_ms() > 500_000 && session.player.client.audio.kind === "sounding",
    ),
  );
  await sounds(page);
  await server.run();
  await until(page, { link: "up" });
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
  await context.close();
});

test("after one visit the page opens without the server, with the view of what is kept", async () => {
  const { page, errors, context } = await open(browser, server, "Porch", { serviceWorkers: "allow" });
  await isKept(page);
  await holds(page, () => navigator.serviceWorker.controller !== null);
  await server.stop();
  await page.reload();
  await page.getByText("No connection to the server").or(page.getByText("Connecting to the server")).waitFor();
  await page.locator(".banner").getByRole("button", { name: "Kept music" }).click();
  await page.getByRole("heading", { level: 1, name: "Offline" }).waitFor();
  await page.getByText("Nothing is kept yet.").waitFor();
  await toSettings(page);
  await page.getByRole("heading", { name: "This browser" }).waitFor();
  assert.deepEqual(errors, []);
  await context.close();
});

/** @param {Page} page */
const toSettings = (page) => page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();

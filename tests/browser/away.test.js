/** The server goes away: kept tracks play and start; when it is back, nothing jumps. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { gaps, heard, holds, launch, open, shown, sounds, until, wasQuiet, command } from "./harness/browser.js";
import { keeping, keeps } from "./harness/keeping.js";
import { Server } from "./harness/server.js";

/** @import {Page} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tones;

before(async () => {
  server = await Server.start();
  tones = await server.addTones([
    { name: "First tone", seconds: 8 },
    { name: "Second tone", seconds: 6 },
    { name: "Third tone", seconds: 6 },
    { name: "Fourth tone", seconds: 90 },
  ]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Shows another view without loading the page again. @param {Page} page @param {string} path */
const go = (page, path) =>
  page.evaluate((path) => import(/** @type {any} */ ("/player/routes.js")).then(({ routes }) => routes.go(path)), path);

/** The number of devices of that name that the page knows. @param {Page} page @param {string} name */
const many = async (page, name) =>
  (await shown(page)).names.filter((/** @type {string} */ known) => known === name).length;

/**
 * Asserts that there was no silence since an instant, unless the machine was busy.
 * @param {Page} page @param {number} since_ms @param {(text: string) => void} say
 */
async function noGap(page, since_ms, say) {
  const silences = gaps(await heard(page, since_ms));
  const isQuiet = await wasQuiet(since_ms, page);
  const lengths = silences.map((gap) => gap.toFixed(1)).join() || "none above 6";
  say(`${isQuiet ? "quiet" : "busy"} machine; stretches without sound, ms: ${lengths}`);
  if (isQuiet)
    assert.ok(
      silences.every((gap) => gap <= 20),
      silences.join(),
    );
}

// The next test needs a running server, however this one ended.
afterEach(async () => {
  server.thaw();
  if (!server.process) await server.run();
});

test("cut off, the queue plays on, kept tracks start at a press, and the server is told when it is back", async (t) => {
  const { page, errors, context } = await keeping(browser, server, "Cellar");
  await go(page, "/tracks");
  await page.getByRole("button", { name: "Play First tone" }).waitFor();
  await command(page, { op: "play", tracks: tones.map((tone) => tone.id) });
  await until(page, { status: "playing", media_id: tones[0].id });
  // The next tracks are kept before they play.
  await keeps(page, 4);
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.current.client.ahead.length === 4),
  );
  const started_ms = Date.now();
  await server.stop();
  await page.getByText("No connection to the server").waitFor();
  // Without a command: past the next entry, which the server had named, to the end of the queue.
  await holds(
    page,
    (media_id) =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => session.current.client.audio.item?.media_id === media_id,
      ),
    tones[3].id,
  );
  await sounds(page, Date.now() + 300);
  await noGap(page, started_ms, (text) => t.diagnostic(`through the queue: ${text}`));
  // With a command: another kept track, from a list that is kept too.
  await page.getByRole("button", { name: "Play Fourth tone" }).click();
  await until(page, { status: "playing", media_id: tones[3].id });
  await page.locator("player-bar").getByRole("button", { name: "Pause", exact: true }).click();
  await until(page, { status: "paused" });
  await page.locator("player-bar").getByRole("button", { name: "Play", exact: true }).click();
  await until(page, { status: "playing", media_id: tones[3].id });
  await sounds(page, Date.now() + 300);
  const before = await shown(page);
  const resumed_ms = Date.now();
  await server.run();
  await until(page, { link: "up" });
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(
      ({ session }) => session.current.client.standalone === undefined,
    ),
  );
  await until(page, { status: "playing", media_id: tones[3].id, isHere: true });
  await page.waitForFunction(
    (since_ms) => /** @type {any} */ (window).heard.some((/** @type {any} */ [at_ms]) => at_ms > since_ms),
    Date.now() + 500,
  );
  await noGap(page, resumed_ms, (text) => t.diagnostic(`over the return of the server: ${text}`));
  const now = await shown(page);
  const jump_ms = now.place_ms - before.place_ms - (now.at_us - before.at_us) / 1000;
  t.diagnostic(`jump over the return of the server: ${jump_ms.toFixed(1)} ms`);
  if (await wasQuiet(resumed_ms, page)) assert.ok(Math.abs(jump_ms) <= 50, `${jump_ms}`);
  const other = await open(browser, server, "Roof");
  await until(other.page, { status: "playing", media_id: tones[3].id, active: "Cellar" });
  await other.context.close();
  assert.equal(await many(page, "Cellar"), 1, "one device, not two");
  assert.deepEqual(errors, []);
  await context.close();
});

test("the page opens without the server, plays kept tracks, and is the same device afterwards", async () => {
  const { page, errors, context } = await keeping(browser, server, "Loft");
  await go(page, "/tracks");
  await page.getByRole("button", { name: "Play First tone" }).waitFor();
  await command(page, { op: "play", tracks: [tones[3].id, tones[2].id] });
  await until(page, { status: "playing", media_id: tones[3].id });
  await keeps(page, 2);
  await server.stop();
  await page.reload();
  await page.getByText("No connection to the server").or(page.getByText("Connecting to the server")).waitFor();
  await page.getByRole("heading", { level: 1, name: "Tracks" }).waitFor();
  await context.setOffline(true);
  await page.getByText("Offline.").waitFor();
  await page.getByRole("button", { name: "Play First tone" }).click();
  await page
    .getByText("none of these tracks is kept on this device")
    .or(page.locator("player-bar").getByText("Third tone"))
    .or(page.locator("player-bar").getByText("Fourth tone"))
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Play Fourth tone" }).click();
  await until(page, { status: "playing", media_id: tones[3].id });
  await context.setOffline(false);
  await server.run();
  await until(page, { link: "up" });
  await until(page, { status: "playing", media_id: tones[3].id, isHere: true });
  assert.equal(await many(page, "Loft"), 1, "one device, not two");
  assert.deepEqual(errors, []);
  await context.close();
});

test("what needs the server says so at once, and is done when it is back", async () => {
  const { page, errors, context } = await open(browser, server, "Shed");
  await server.stop();
  await page.getByText("No connection to the server").waitFor();
  await page.getByRole("button", { name: /^Repeat/ }).click();
  await page.getByText("The server is away. This will be done when it is back, if this page stays open.").waitFor();
  await server.run();
  await until(page, { link: "up" });
  await page.getByRole("button", { name: "Repeat: the queue" }).waitFor();
  await command(page, { op: "repeat", mode: "off" });
  assert.deepEqual(errors, []);
  await context.close();
});

test("what sounds without the server is shown everywhere, and a pause keeps its place, also afterwards", async () => {
  const { page, errors, context } = await keeping(browser, server, "Attic");
  await command(page, { op: "play", tracks: [tones[1].id, tones[2].id, tones[3].id] });
  await until(page, { status: "playing", media_id: tones[1].id });
  await keeps(page, 3);
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.current.client.ahead.length === 3),
  );
  await server.stop();
  await until(page, { status: "playing", media_id: tones[3].id });
  const bar = page.locator("player-bar");
  await bar.getByRole("link", { name: tones[3].name, exact: true }).waitFor();
  await holds(
    page,
    (name) => document.title.includes(name) && navigator.mediaSession.metadata?.title === name,
    tones[3].name,
  );
  await bar.getByRole("button", { name: "Pause", exact: true }).click();
  await bar.getByRole("button", { name: "Play", exact: true }).waitFor();
  const paused = await shown(page);
  assert.ok(paused.place_ms > 0, "the place in what sounded");
  assert.equal(paused.audio, "silent");
  await server.run();
  await until(page, { link: "up" });
  await until(page, { status: "paused", intent: "pause", media_id: tones[3].id });
  const told = await server.ask(await server.token(), "/me/player");
  assert.deepEqual([told.playback.item.media_id, told.playback.position_ms], [tones[3].id, paused.place_ms]);
  assert.deepEqual(errors, []);
  await context.close();
});

test("a page that is loaded while the server is away shows track, place and queue, and plays on", async () => {
  const { page, errors, context } = await keeping(browser, server, "Vault");
  await command(page, { op: "play", tracks: [tones[3].id, tones[2].id, tones[1].id], position_ms: 20_000 });
  await until(page, { status: "playing", media_id: tones[3].id });
  await keeps(page, 3);
  await go(page, "/queue");
  await page.getByRole("button", { name: `Play ${tones[1].name}` }).waitFor();
  await server.stop();
  await page.reload();
  const bar = page.locator("player-bar");
  await bar.getByRole("link", { name: tones[3].name, exact: true }).waitFor();
  for (const tone of tones.slice(1)) await page.getByRole("button", { name: `Play ${tone.name}` }).waitFor();
  const before = await page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.current.place_ms()),
  );
  assert.ok(before >= 20_000, `${before}`);
  await bar.getByRole("button", { name: "Play", exact: true }).click();
  await until(page, { status: "playing", media_id: tones[3].id });
  const after = await page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.current.place_ms()),
  );
  assert.ok(after >= before, `${after}`);
  await server.run();
  await until(page, { link: "up" });
  assert.deepEqual(errors, []);
  await context.close();
});

test("a pause that a server does not answer is done here once the connection is lost, and stays", async () => {
  const { page, errors, context } = await open(browser, server, "Barn");
  const bar = page.locator("player-bar");
  for (const state of ["frozen", "killed"]) {
    await command(page, { op: "play", tracks: [tones[3].id] });
    await until(page, { status: "playing", media_id: tones[3].id });
    await sounds(page);
    await server.freeze();
    await bar.getByRole("button", { name: "Pause", exact: true }).click();
    if (state === "killed") await server.kill();
    await bar.getByRole("button", { name: "Play", exact: true }).waitFor();
    await holds(page, () => !document.title.startsWith("▶"));
    await holds(page, () =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => session.current.client.audio.kind === "silent" && session.link !== "up",
      ),
    );
    if (state === "killed") await server.run();
    else server.thaw();
    await until(page, { link: "up", intent: "pause", status: "paused" });
    await holds(page, () =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => session.current.client.pendingCommands.waiting.length === 0,
      ),
    );
    await until(page, { status: "paused", media_id: tones[3].id });
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test("what was steered while the server is away is shown after a reload, and plays on here", async () => {
  const { page, errors, context } = await keeping(browser, server, "Crypt");
  const tracks = [tones[1].id, tones[3].id, tones[2].id];
  await command(page, { op: "play", tracks });
  await keeps(page, 3);
  await command(page, { op: "play", tracks });
  await command(page, { op: "pause" });
  await until(page, { status: "paused", media_id: tones[1].id });
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.current.client.ahead.length === 3),
  );
  await server.stop();
  await page.getByText("No connection to the server").waitFor();
  const bar = page.locator("player-bar");
  /** @param {string} name */
  const press = (name) => bar.getByRole("button", { name, exact: true }).click();
  const isAway = () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player?.isAway === true);
  await holds(page, isAway);
  // An entry of the queue.
  await page.evaluate(async () => {
    const { session } = await import(/** @type {any} */ ("/player/session.js"));
    await session.current.command({ op: "play", item: session.current.client.ahead[1].id });
  });
  await until(page, { status: "playing", media_id: tones[3].id });
  await page.reload();
  await bar.getByRole("link", { name: tones[3].name, exact: true }).waitFor();
  await holds(page, isAway);
  await press("Play");
  await until(page, { status: "playing", media_id: tones[3].id });
  await go(page, "/now");
  await page.getByRole("link", { name: "On this tab" }).waitFor();
  await go(page, "/queue");
  for (const tone of tones.slice(1)) await page.getByRole("button", { name: `Play ${tone.name}` }).waitFor();
  // A kept track that is no entry.
  await command(page, { op: "play", tracks: [tones[2].id] });
  await until(page, { status: "playing", media_id: tones[2].id });
  await command(page, { op: "pause" });
  await until(page, { status: "paused", media_id: tones[2].id });
  await page.reload();
  await bar.getByRole("link", { name: tones[2].name, exact: true }).waitFor();
  await holds(page, isAway);
  await press("Play");
  await until(page, { status: "playing", media_id: tones[2].id });
  assert.deepEqual(errors, []);
  await context.close();
});

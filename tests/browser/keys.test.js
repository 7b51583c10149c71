/**
 * Keys, and what counts as a person's action: Space and the focus, the list of the keys, a seek to the end, browsers
 * that allow each media element by itself.
 */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { command, holds, launch, open, opened, shown, until, welcomed } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { go } from "./harness/views.js";

/** @import {Page} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tones;

before(async () => {
  server = await Server.start();
  tones = await server.addTones(
    ["First tone", "Second tone", "Third tone", "Fourth tone"].map((name) => ({ name, seconds: 60 })),
  );
  browser = await launch();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Plays the tones on this page, from one of them on. @param {Page} page @param {number} [start] */
async function play(page, start = 0) {
  const { own } = await shown(page);
  await command(page, { op: "play", tracks: tones.map(({ id }) => id), start, on: own });
  await until(page, { status: "playing", isHere: true, media_id: tones[start].id });
}

/** Presses Space, which must pause and then play the same track on. @param {Page} page @param {string} what */
async function spacePauses(page, what) {
  const { media_id, place_ms } = await shown(page);
  for (const intent of ["pause", "play"]) {
    await page.keyboard.press("Space");
    await until(page, { intent });
  }
  const now = await shown(page);
  assert.equal(now.media_id, media_id, `${what}: the track is another one`);
  assert.ok(now.place_ms >= place_ms, `${what}: the place went from ${place_ms} back to ${now.place_ms}`);
}

test("Space pauses and plays after a click on any control, and presses a control that Tab has reached", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await play(page);
  const bar = page.locator("player-bar");
  await go(page, "/search?q=tone");
  await page.getByRole("button", { name: "Play Third tone" }).click();
  await until(page, { status: "playing", media_id: tones[2].id });
  await spacePauses(page, "a title");
  await bar.getByRole("button", { name: "Previous", exact: true }).click();
  await until(page, { status: "playing" });
  await spacePauses(page, "Previous");
  const slider = bar.getByRole("slider", { name: "Position" });
  await slider.click({ position: { x: 20, y: 10 } });
  await spacePauses(page, "the position");
  await bar.getByRole("slider", { name: /^Volume/ }).click();
  await spacePauses(page, "the volume");
  await page.getByRole("button", { name: "Save First tone" }).click();
  await spacePauses(page, "a heart");
  await bar.locator(".where").click();
  await page.getByRole("dialog", { name: "Devices" }).waitFor();
  await spacePauses(page, "the panel of devices");
  await page.keyboard.press("Escape");
  await go(page, "/settings");
  const even = page.getByRole("switch", { name: "Even out loudness" });
  const was = await even.isChecked();
  await page.getByRole("combobox", { name: "Appearance" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Settings" }).click();
  await page.getByRole("combobox", { name: "Appearance" }).focus();
  await spacePauses(page, "a choice");
  await even.click();
  await spacePauses(page, "a switch");
  assert.equal(await even.isChecked(), !was, "Space did not turn it back");
  // The focus is shown from here on, so Space is for the control.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Space");
  assert.equal(await even.isChecked(), was);
  await bar.getByRole("button", { name: "Pause" }).focus();
  await page.keyboard.press("Tab");
  const before = (await shown(page)).media_id;
  await page.keyboard.press("Space");
  await holds(
    page,
    (before) =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => session.playback.item && session.playback.item.media_id !== before,
      ),
    before,
  );
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("keys set volume, mute, save, shuffle and repeat; ? lists them; people can turn characters off", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  const { keyboard } = page;
  await play(page);
  const volume = () => page.evaluate(() => JSON.parse(localStorage.getItem("segue.preferences") ?? "{}"));
  /** @param {Record<string, any>} wanted */
  const prefers = (wanted) =>
    holds(
      page,
      (wanted) => {
        const preferences = JSON.parse(localStorage.getItem("segue.preferences") ?? "{}");
        return Object.entries(wanted).every(([key, value]) => preferences[key] === value);
      },
      wanted,
    );
  const { level } = { level: 80, ...(await volume()) };
  await keyboard.press("Shift+ArrowDown");
  await prefers({ level: level - 5 });
  await keyboard.press("Shift+ArrowUp");
  await prefers({ level });
  await keyboard.press("m");
  await prefers({ muted: true });
  await keyboard.press("m");
  await prefers({ muted: false });
  const heart = page.locator("player-bar .heart");
  const wasSaved = (await heart.getAttribute("aria-pressed")) === "true";
  await keyboard.press("l");
  await page.locator(`player-bar .heart[aria-pressed=${!wasSaved}]`).waitFor();
  await keyboard.press("s");
  await page.getByText("Shuffle is on.").waitFor();
  await keyboard.press("s");
  await page.getByText("Shuffle is off.").waitFor();
  for (const said of ["The queue repeats.", "This track repeats.", "Repeat is off."]) {
    await keyboard.press("r");
    await page.getByText(said).waitFor();
  }
  await keyboard.press("?");
  const list = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  for (const what of ["Mute", "Louder", "Shuffle", "Next track", "Search"])
    await list.getByText(what, { exact: true }).waitFor();
  await keyboard.press("Escape");
  await list.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  await list.getByRole("button", { name: "Done" }).click();
  // Letters that are written are no commands.
  await go(page, "/search");
  await page.getByRole("searchbox").fill("");
  await page.getByRole("searchbox").press("m");
  assert.equal(await page.getByRole("searchbox").inputValue(), "m");
  assert.equal((await volume()).muted, false);
  await go(page, "/settings");
  await page.getByRole("switch", { name: "Keys of one character" }).click();
  await keyboard.press("m");
  await keyboard.press("?");
  assert.equal((await volume()).muted, false);
  assert.equal(await list.count(), 0);
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("Shift with an arrow seeks on a page whose list has the focus, and moves nothing else", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await play(page);
  await go(page, "/search?q=tone");
  await page.getByRole("button", { name: "Play Second tone" }).focus();
  await page.keyboard.press("Shift+ArrowRight");
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player.place_ms() > 9_000),
  );
  await page.keyboard.press("Shift+ArrowDown");
  await holds(page, () => JSON.parse(localStorage.getItem("segue.preferences") ?? "{}").level < 80);
  assert.equal(
    await page.evaluate(() => document.activeElement?.getAttribute("aria-label")),
    "Play Second tone",
    "the focus has moved",
  );
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

/** Moves the bar to its end. @param {Page} page */
async function barToEnd(page) {
  await page.locator("player-bar").getByRole("slider", { name: "Position" }).focus();
  await page.keyboard.press("End");
}

/** Goes near the end, and past it by the key. @param {Page} page */
async function keyPastEnd(page) {
  await command(page, { op: "seek", position_ms: 55_000 });
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(
      ({ session }) => session.playback.status === "playing" && session.player.place_ms() >= 55_000,
    ),
  );
  await page.keyboard.press("Shift+ArrowRight");
}

/** @type {[string, (page: Page) => Promise<void>][]} */
const WAYS = [
  ["the bar", barToEnd],
  ["a key", keyPastEnd],
];
for (const [how, toEnd] of WAYS) {
  test(`a seek to the end by ${how} goes on as the end of the track does`, async () => {
    const { page, errors } = await open(browser, server, "Desk");
    await play(page);
    await toEnd(page);
    await until(page, { status: "playing", media_id: tones[1].id });
    await page.locator("h1").first().click();
    await toEnd(page);
    await until(page, { status: "playing", media_id: tones[2].id });
    await page.locator("h1").first().click();
    await command(page, { op: "seek", position_ms: 10_000_000 });
    await until(page, { status: "playing", media_id: tones[3].id });
    // The last one: the queue ends, or begins again.
    await toEnd(page);
    await until(page, { status: "ended" });
    await play(page, 3);
    await command(page, { op: "repeat", mode: "all" });
    await toEnd(page);
    await until(page, { status: "playing", media_id: tones[0].id });
    await command(page, { op: "repeat", mode: "one" });
    const { turn } = await page.evaluate(() =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => ({ turn: session.playback.turn[1] })),
    );
    await toEnd(page);
    await holds(
      page,
      (turn) =>
        import(/** @type {any} */ ("/player/session.js")).then(
          ({ session }) => session.playback.turn[1] > turn + 1 && session.player.place_ms() < 30_000,
        ),
      turn,
    );
    await until(page, { status: "playing", media_id: tones[0].id });
    await command(page, { op: "repeat", mode: "off" });
    // Paused: nothing happens before the music is to play.
    await command(page, { op: "pause" });
    await until(page, { status: "paused" });
    await command(page, { op: "seek", position_ms: 60_000 });
    await until(page, { status: "paused", media_id: tones[0].id });
    await command(page, { op: "play" });
    await until(page, { status: "playing", media_id: tones[1].id });
    await command(page, { op: "stop" });
    assert.deepEqual(errors, []);
  });
}

/** Lets a media element sound only if its `play()` was once called while a person acted on the page. */
function allowEachElement() {
  let acts = false;
  const allowed = new WeakSet();
  for (const type of ["mousedown", "pointerup", "touchend", "click", "keydown"])
    addEventListener(
      type,
      ({ isTrusted }) => {
        acts = isTrusted;
        setTimeout(() => (acts = false));
      },
      { capture: true },
    );
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function () {
    if (acts) allowed.add(this);
    return allowed.has(this) ? play.call(this) : Promise.reject(new DOMException("not allowed", "NotAllowedError"));
  };
}

test("where a browser allows each media element by itself, one click on “Play here” is enough", async () => {
  const remote = await open(browser, server, "Remote");
  const { page, context, errors } = await opened(browser, server, "Strict");
  await context.addInitScript(allowEachElement);
  await page.reload();
  await welcomed(page);
  const { own } = await shown(page);
  await command(remote.page, { op: "play", tracks: [tones[0].id], on: own });
  await until(remote.page, { status: "blocked", active: "Strict" });
  await page.getByRole("button", { name: "Play here" }).click();
  await until(remote.page, { status: "playing", active: "Strict" });
  // Nobody touches that page from here on; each track begins as a stream of its own.
  for (const tone of [...tones.slice(1), ...tones]) {
    await command(remote.page, { op: "play", tracks: [tone.id], on: own });
    await until(remote.page, { status: "playing", media_id: tone.id });
  }
  await command(remote.page, { op: "stop" });
  assert.deepEqual([...errors, ...remote.errors], []);
});

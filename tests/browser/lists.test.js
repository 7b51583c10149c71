/**
 * Lists that are longer than a page: failures are shown and recovered from, nothing is cut off without a message, moves
 * go where rows are dropped; and several tabs respect each other's preferences.
 */

import assert from "node:assert/strict";
import { link } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { PATIENCE_MS, holds, launch, open, until, welcomed, command } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** @import {Page} from "playwright-core" */

/** Tracks of the album: more than one page, and more than one request adds to a playlist. */
const MANY = 230;

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any} */ let album;

before(async () => {
  server = await Server.start();
  await server.addTones([{ name: "Tone 001", seconds: 3 }]);
  const folder = await server.musicFolder("Tones");
  await Promise.all(
    Array.from({ length: MANY - 1 }, (_, index) =>
      link(path.join(folder, "Tone 001.wav"), path.join(folder, `Tone ${String(index + 2).padStart(3, "0")}.wav`)),
    ),
  );
  const token = await server.token();
  await server.ask(token, "/library/scan", { method: "POST" });
  const give_up_ms = Date.now() + PATIENCE_MS;
  while (!album) {
    assert.ok(Date.now() < give_up_ms, "the album was not scanned");
    const { items } = await server.ask(token, "/albums?limit=50");
    album = items.find((/** @type {any} */ { total_tracks }) => total_tracks === MANY);
  }
  browser = await launch();
});

// The next test needs a running server and nobody playing, however this one ended.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  if (!server.process) await server.run();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** @param {Page} page @param {string} address */
const go = (page, address) =>
  page.evaluate(
    (address) => import(/** @type {any} */ ("/player/routes.js")).then(({ routes }) => routes.go(address)),
    address,
  );

/** A playlist of the album's first tracks. @param {string} name @param {number} tracks */
async function playlistOf(name, tracks) {
  const token = await server.token();
  const playlist = await server.ask(token, "/me/playlists", { method: "POST", body: JSON.stringify({ name }) });
  /** @type {string[]} */
  const uris = [];
  while (uris.length < tracks) {
    const { items } = await server.ask(token, `/albums/${album.id}/tracks?limit=50&offset=${uris.length}`);
    uris.push(...items.map((/** @type {any} */ track) => track.uri));
  }
  for (let at = 0; at < tracks; at += 100) {
    await server.ask(token, `/playlists/${playlist.id}/tracks`, {
      method: "POST",
      body: JSON.stringify({ uris: uris.slice(at, Math.min(tracks, at + 100)) }),
    });
  }
  return playlist;
}

/** @param {Page} page @param {string[]} names */
const lists = (page, names) =>
  holds(
    page,
    (names) =>
      JSON.stringify([...document.querySelectorAll("main .row.track .title")].map((title) => title.textContent)) ===
      JSON.stringify(names),
    names,
  );

test("a list page that fails is asked for again after a pause; the list says so and recovers", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await go(page, "/tracks");
  const rows = page.locator("main .row.track");
  await rows.first().waitFor();
  const { total } = await server.ask(await server.token(), "/tracks?limit=1");
  const since_ms = Date.now();
  await server.stop();
  let asked = 0;
  page.on("request", (request) => {
    asked += request.url().includes("/v1/tracks?") ? 1 : 0;
  });
  await rows
    .first()
    .getByRole("button", { name: /^Play / })
    .focus();
  await page.keyboard.press("End");
  const again = page.locator("main .note").getByRole("button", { name: "Try again" });
  await again.waitFor();
  await page.getByText("The server cannot be reached.").waitFor();
  const box = await again.boundingBox();
  assert.ok(box && box.y > 0 && box.y < 720, "where it is seen");
  // Two hundred frames, in each of which the list could ask.
  await page.evaluate(async () => {
    for (let frame = 0; frame < 200; frame += 1) {
      document.querySelector("main")?.dispatchEvent(new Event("scroll"));
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
  // Two pages are in view, and each is asked for every 2 s; earlier requests may still be running.
  assert.ok(asked > 0 && asked <= 2 * (3 + (Date.now() - since_ms) / 2_000), `${asked} requests`);
  await Promise.all([page.waitForRequest(/\/v1\/tracks\?/), again.click()]);
  await server.run();
  await page.locator(`main [aria-posinset="${total}"] .title`).waitFor();
  await again.waitFor({ state: "hidden" });
  assert.equal(await page.locator("main .skeleton").count(), 0);
  assert.deepEqual(errors, []);
});

test("an album of over 100 tracks goes into a playlist as a whole, and its pages load in parallel", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  const playlist = await playlistOf("All of it", 0);
  let under = 0;
  let most = 0;
  await page.route(/\/v1\/albums\/\w+\/tracks/, async (route) => {
    most = Math.max(most, (under += 1));
    const response = await route.fetch();
    under -= 1;
    await route.fulfill({ response });
  });
  await go(page, `/album/${album.id}`);
  await page.getByText(`${MANY} tracks`).waitFor();
  assert.ok(most > 1, "one page after the other");
  await page.getByRole("button", { name: `More about ${album.name}`, exact: true }).click();
  await page.getByRole("menuitem", { name: "Add to playlist…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(`Add ${MANY} tracks`).waitFor();
  await dialog.getByLabel("Playlist").selectOption("All of it");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("Added to the playlist.").waitFor();
  await go(page, `/playlist/${playlist.id}`);
  await page.getByText(`${MANY} tracks`).waitFor();
  await page.locator("main .row.track .title").first().focus();
  await page.keyboard.press("End");
  await page.locator("main .row.track").getByText(`Tone ${MANY}`).waitFor();
  assert.deepEqual(errors, []);
});

test("a row dropped below the last becomes the last, Escape cancels, a refused move is not called done", async () => {
  const playlist = await playlistOf("Three", 3);
  const { page, errors } = await open(browser, server, "Desk");
  await go(page, `/playlist/${playlist.id}`);
  const names = ["Tone 001", "Tone 002", "Tone 003"];
  await lists(page, names);
  const hold = async () => {
    const box = await page.getByRole("button", { name: "Move Tone 001" }).boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + 5, box.y + 5);
    await page.mouse.down();
    await page.mouse.move(box.x + 5, box.y + 5 + 60 * 2.2, { steps: 3 });
    await page.locator("body > .row.dragged").waitFor();
    await page.mouse.move(box.x + 5, box.y + 5 + 60 * 4, { steps: 3 });
  };
  await hold();
  await page.keyboard.press("Escape");
  await page.locator("body > .row.dragged").waitFor({ state: "detached" });
  await page.mouse.up();
  await page.route(/\/v1\/playlists\/\w+\/tracks/, (route) =>
    route.request().method() === "PUT" ? route.abort() : route.continue(),
  );
  await hold();
  await page.mouse.up();
  await page.locator(".toast").getByText("The server cannot be reached.").waitFor();
  assert.equal(await page.getByText(/^Now at position/).count(), 0);
  await lists(page, names);
  await page.unroute(/\/v1\/playlists\/\w+\/tracks/);
  await hold();
  await page.mouse.up();
  await lists(page, ["Tone 002", "Tone 003", "Tone 001"]);
  await page.getByText("Now at position 3.").waitFor();
  assert.deepEqual(errors, []);
});

test("a move by the keyboard in a long playlist loads only the pages in view", async () => {
  const playlist = await playlistOf("Long", MANY);
  const { page, errors } = await open(browser, server, "Desk");
  await go(page, `/playlist/${playlist.id}`);
  await page.getByRole("button", { name: "Move Tone 002" }).focus();
  let asked = 0;
  page.on("request", (request) => {
    asked += request.method() === "GET" && request.url().includes("/v1/playlists/") ? 1 : 0;
  });
  await page.keyboard.press("Alt+ArrowUp");
  await page.getByText("Now at position 1.").waitFor();
  await holds(page, () => document.activeElement?.getAttribute("aria-label")?.startsWith("Move Tone 002"));
  assert.equal(asked, 1);
  assert.deepEqual(errors, []);
});

test("a tab keeps the choices of another tab; a stale tab does not end a newer login", async () => {
  const first = await open(browser, server, "Desk");
  const second = await first.context.newPage();
  await second.goto(server.url);
  await welcomed(second);
  const chosen = (/** @type {Page} */ page) =>
    page.evaluate(() => JSON.parse(localStorage.getItem("segue.preferences") ?? "{}"));
  await first.page.evaluate(() =>
    import(/** @type {any} */ ("/player/store.js")).then(({ store }) => store.prefer({ keep_mb: 0, theme: "dark" })),
  );
  await second.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.current.setVolume(33, false)),
  );
  assert.deepEqual(await chosen(first.page).then(({ keep_mb, level, theme }) => ({ keep_mb, level, theme })), {
    keep_mb: 0,
    level: 33,
    theme: "dark",
  });
  await holds(second, () => document.documentElement.dataset.theme === "dark");
  // The user has logged in again while this tab slept.
  await second.evaluate(async () => {
    const { store } = await import(/** @type {any} */ ("/player/store.js"));
    store.session = { ...store.session, token: "an older one" };
    store.setSession(undefined, "over");
  });
  assert.ok(await first.page.evaluate(() => localStorage.getItem("segue.session")));
  // Logging out in one tab logs out all tabs.
  await first.page.evaluate(() =>
    import(/** @type {any} */ ("/player/store.js")).then(({ store }) => store.setSession(undefined)),
  );
  await second.waitForSelector("view-login form");
  assert.deepEqual(first.errors, []);
});

test("the search counts all results, leads to all of them, and Enter plays the last search", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await go(page, "/search");
  const box = page.getByRole("searchbox", { name: "Search" });
  await box.fill("Tone 007");
  // Before the answer comes.
  await box.press("Enter");
  await until(page, { status: "playing", isHere: true });
  await holds(page, () => document.title.startsWith("▶ Tone 007"));
  await box.fill("tone");
  await page.getByRole("link", { name: "Tracks: all" }).click();
  await page.getByRole("heading", { level: 2, name: "Tracks" }).waitFor();
  await page.locator("main .row.track .title").first().focus();
  await page.keyboard.press("End");
  await holds(
    page,
    (many) => Number(document.activeElement?.closest("[aria-posinset]")?.getAttribute("aria-posinset")) >= many,
    MANY,
  );
  await go(page, "/albums");
  await holds(page, () => document.title.startsWith("▶ Tone 007"));
  await command(page, { op: "stop" });
  await holds(page, () => document.title === "Albums · Segue");
  await page.goBack();
  // The focus is not left on an element that is gone.
  await holds(page, () => document.activeElement !== document.body);
  assert.deepEqual(errors, []);
});

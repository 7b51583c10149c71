/** The first view: tracks that were played recently, and tracks that are played most. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PATIENCE_MS, launch, open, until, welcomed, command } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** @import {Page} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tones;

before(async () => {
  server = await Server.start();
  tones = await server.addTones([
    { name: "First tone", seconds: 2 },
    { name: "Second tone", seconds: 2 },
  ]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** A section of the view. @param {Page} page @param {string} name */
const part = (page, name) => page.locator("view-home section").filter({ has: page.getByRole("heading", { name }) });

/** The tracks that a section lists. @param {Page} page @param {string} name */
const listed = (page, name) => part(page, name).locator(".row.track .title").allTextContents();

test("it lists the tracks played recently and most, and plays them from there", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  const [first, second] = tones.map(({ id }) => id);
  await part(page, "New in your library").waitFor();
  assert.deepEqual(
    [await part(page, "Recently played").count(), await part(page, "Most played").count()],
    [0, 0],
    "nothing was played yet",
  );
  await command(page, { op: "play", tracks: [first, first, second] });
  const token = await server.token();
  /** @type {any[]} */
  let items = [];
  const give_up_ms = Date.now() + PATIENCE_MS;
  while (items.length < 3) {
    assert.ok(Date.now() < give_up_ms, `${items.length} plays were counted`);
    ({ items } = await server.ask(token, "/me/player/recently-played"));
  }
  assert.deepEqual(
    items.map((/** @type {any} */ { track }) => track.id),
    [second, first, first],
  );
  await page.reload();
  await welcomed(page);
  await part(page, "Most played").waitFor();
  assert.deepEqual(await listed(page, "Recently played"), ["Second tone", "First tone"], "each once");
  assert.deepEqual(await listed(page, "Most played"), ["First tone", "Second tone"]);
  await part(page, "Most played").getByRole("button", { name: "Play Second tone" }).click();
  await until(page, { media_id: second, isHere: true });
  assert.deepEqual(errors, []);
});

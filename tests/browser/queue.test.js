/** The queue: where it opens, what is before and after the current entry, undoing its clearing, the line of a drop. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { command, holds, launch, open, shown, until } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { go } from "./harness/views.js";

/** @import {Page} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tones;

before(async () => {
  server = await Server.start();
  tones = await server.addTones(Array.from({ length: 9 }, (_, index) => ({ name: `Tone ${index + 1}`, seconds: 60 })));
  browser = await launch();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/**
 * Plays the entry at `start` of a queue in which the tones follow each other again and again.
 * @param {Page} page @param {number} length @param {number} start
 */
async function play(page, length, start) {
  const { own } = await shown(page);
  const ids = Array.from({ length }, (_, index) => tones[index % tones.length].id);
  await command(page, { op: "play", tracks: ids.slice(0, 500), on: own });
  for (let at = 500; at < length; at += 500)
    await command(page, { op: "queue.insert", tracks: ids.slice(at, at + 500) });
  if (start > 0) {
    const { items } = await server.ask(await server.token(), `/me/player/queue?from=${start}&limit=1`);
    await command(page, { op: "play", item: items[0].id });
  }
  await until(page, { status: "playing", isHere: true, media_id: ids[start] });
}

/** The tracks of the whole queue. @returns {Promise<string[]>} */
async function queued() {
  const token = await server.token();
  /** @type {string[]} */
  const ids = [];
  for (let total = 1; ids.length < total;) {
    const page = await server.ask(token, `/me/player/queue?from=${ids.length}&limit=200`);
    total = page.total;
    ids.push(...page.items.map((/** @type {any} */ { media_id }) => media_id));
    if (page.items.length === 0) break;
  }
  return ids;
}

for (const [length, start, width, height] of [
  [9, 4, 1280, 720],
  [60, 30, 320, 568],
  [60, 30, 844, 390],
  [1_300, 1_111, 1280, 720],
]) {
  test(`the queue opens at the current entry: ${start + 1} of ${length}, ${width} × ${height}`, async () => {
    const { page, errors } = await open(browser, server, "Desk", { viewport: { width, height } });
    await play(page, length, start);
    for (const _ of ["by a link", "again"]) {
      await go(page, "/albums");
      await go(page, "/queue");
      const row = page.locator(`.row.track[aria-posinset="${start + 1}"]`);
      await row.waitFor();
      await holds(
        page,
        (at) => {
          const row = document.querySelector(`.row.track[aria-posinset="${at}"][aria-current]`);
          const { left, top, bottom, width } = row?.getBoundingClientRect() ?? new DOMRect();
          return [top + 2, bottom - 2].every((y) => row?.contains(document.elementFromPoint(left + width / 2, y)));
        },
        start + 1,
      );
      // What came before is above and looks so; the next one is below.
      assert.equal(await page.locator(`.row.before[aria-posinset="${start}"]`).count(), 1);
      assert.equal(await page.locator(`.row.next[aria-posinset="${start + 2}"]`).count(), 1);
      assert.equal(await page.locator(`.row.before[aria-posinset="${start + 2}"]`).count(), 0);
      await page.getByText(`${start.toLocaleString()} before, ${(length - start - 1).toLocaleString()} next`).waitFor();
    }
    // The marks follow the music.
    await command(page, { op: "next" });
    await page.locator(`.row.before[aria-posinset="${start + 1}"]`).waitFor();
    // Away and back by the browser's history, the list is where it was left.
    await page.locator("main").evaluate((main) => (main.scrollTop = 0));
    await go(page, "/albums");
    await page.goBack();
    await page.locator('.row.track[aria-posinset="1"]').waitFor();
    await page.getByRole("button", { name: /before,/ }).click();
    await page.locator(`.row.track[aria-posinset="${start + 2}"][aria-current]`).waitFor();
    await command(page, { op: "stop" });
    assert.deepEqual(errors, []);
  });
}

test("on a small phone the queue opens with the whole current row in view, wherever it is", async () => {
  const options = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true };
  const { page, errors } = await open(browser, server, "Phone", options);
  for (const start of [1, 5, 20, 39]) {
    await play(page, 40, start);
    await command(page, { op: "pause" });
    await go(page, "/albums");
    await go(page, "/queue");
    await page.getByText(`${start} before, ${39 - start} next`).waitFor();
    await page.locator(".row.track[aria-current]").waitFor();
    const [row, head, main] = await page.evaluate(() =>
      [".row.track[aria-current]", "view-queue .head", "main"].map((selector) => {
        const { top, bottom } = /** @type {Element} */ (document.querySelector(selector)).getBoundingClientRect();
        return { top, bottom };
      }),
    );
    assert.ok(row.top >= head.bottom - 1 && row.bottom <= main.bottom + 1, JSON.stringify({ start, row, head, main }));
  }
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("clearing the queue can be undone: all entries in their order, while the same track plays on", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  for (const [length, start] of [
    [9, 0],
    [9, 8],
    [1_100, 700],
  ]) {
    await play(page, length, start);
    const before = await queued();
    assert.equal(before.length, length);
    await go(page, "/queue");
    await page.getByRole("button", { name: "Clear", exact: true }).click();
    await page.getByText("1 track", { exact: true }).waitFor();
    assert.deepEqual(await queued(), [before[start]]);
    const { place_ms } = await shown(page);
    // The way back is still there after another page was shown.
    await go(page, "/albums");
    await go(page, "/queue");
    await page.getByRole("button", { name: "Undo clearing" }).click();
    await page.getByText(`${length.toLocaleString()} tracks`, { exact: true }).waitFor();
    assert.deepEqual(await queued(), before);
    const now = await shown(page);
    assert.ok(now.media_id === before[start] && now.place_ms >= place_ms, "the music has jumped");
    assert.equal(await page.getByRole("button", { name: "Undo clearing" }).isVisible(), false);
    await go(page, "/albums");
  }
  // Another queue cannot be mixed with what was cleared.
  await go(page, "/queue");
  await page.getByRole("button", { name: "Clear", exact: true }).click();
  await page.getByRole("button", { name: "Undo clearing" }).waitFor();
  await play(page, 3, 0);
  await page.getByRole("button", { name: "Undo clearing" }).waitFor({ state: "hidden" });
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("while a row is dragged a line shows between which rows it will land", async () => {
  const { page, errors } = await open(browser, server, "Desk", { viewport: { width: 1280, height: 900 } });
  await play(page, 9, 0);
  await go(page, "/queue");
  const rows = page.locator("main .row.track");
  await rows.nth(8).waitFor();
  const handle = await page.getByRole("button", { name: /^Move Tone 3/ }).boundingBox();
  const tops = await rows.evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().top));
  assert.ok(handle);
  const [x, y] = [handle.x + handle.width / 2, handle.y + handle.height / 2];
  const line = page.locator(".drop-line");
  /** @param {number | undefined} wanted the row above which the line is, from 0; `undefined` without a line */
  const isAbove = (wanted) =>
    holds(
      page,
      (top) => {
        const line = /** @type {HTMLElement} */ (document.querySelector(".drop-line"));
        if (top === undefined) return line.hidden;
        const box = line.getBoundingClientRect();
        return !line.hidden && Math.abs((box.top + box.bottom) / 2 - top) <= 2;
      },
      wanted === undefined ? undefined : (tops[wanted] ?? tops[8] + 60),
    );
  await page.mouse.move(x, y);
  await page.mouse.down();
  await isAbove(undefined);
  await page.mouse.move(x, y + 130, { steps: 3 });
  await isAbove(5);
  await page.mouse.move(x, y - 70, { steps: 3 });
  await isAbove(1);
  await page.mouse.move(x, y - 600, { steps: 3 });
  await isAbove(0);
  await page.mouse.move(x, y + 10, { steps: 3 });
  await isAbove(undefined);
  await page.mouse.move(x, y + 130, { steps: 3 });
  await isAbove(5);
  await page.mouse.up();
  await line.waitFor({ state: "detached" });
  await holds(page, () => document.querySelectorAll("main .row.track .title")[4]?.textContent === "Tone 3");
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

/** A library of 100,000 tracks: the page stays quick, and asks for no more than it shows. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, quantile, until, wish } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { scripting_ms } from "./harness/tracing.js";

const TOTAL = 100_000;
/** How long scripts may keep a page from what comes after an input, in milliseconds: 19 of 20 inputs. */
const MOST_MS = 50;

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  server = await Server.start();
  await server.addMany(TOTAL);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

test("lists, search and the queue take little scripting per input, keep few rows, and reach their end at once", async (t) => {
  const { page, errors, context } = await open(browser, server, "Desk");
  const drawn = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  /** @param {string} path */
  const go = (path) => page.evaluate((path) => import(/** @type {any} */ ("/player/routes.js")).then(({ routes }) => routes.go(path)), path);
  /** @param {string} key */
  const press = (key) => async () => {
    await page.keyboard.press(key);
    await drawn();
  };
  /** @type {number[]} */
  const all_ms = [];
  /** @param {string} what @param {(() => Promise<unknown>)[]} inputs */
  const measure = async (what, inputs) => {
    const spent_ms = await scripting_ms(browser, page, inputs);
    t.diagnostic(`${what}: ${inputs.length} inputs; scripting per input, ms: worst ${Math.max(...spent_ms).toFixed(1)}, mean ${(spent_ms.reduce((sum, ms) => sum + ms, 0) / inputs.length).toFixed(1)}`);
    assert.ok(spent_ms.every((ms) => ms > 0), `${what}: ${spent_ms.map((ms) => ms.toFixed(1))}`);
    all_ms.push(...spent_ms);
  };
  const rows = () => page.locator(".row.track").count();

  await go("/tracks");
  await page.locator(".row.track").getByRole("button", { name: /^Play / }).first().focus();
  await measure("tracks", [...Array(12).fill("PageDown"), ...Array(12).fill("ArrowDown"), "End", "Home", "End"].map(press));
  const { total } = await server.ask(await server.token(), "/tracks?limit=1");
  const [last] = (await server.ask(await server.token(), `/tracks?limit=1&offset=${total - 1}`)).items;
  await page.locator(".row.track").getByText(last.name, { exact: true }).waitFor();
  assert.ok((await rows()) < 60, `${await rows()} rows`);

  await page.keyboard.press("Home");
  const [first] = (await server.ask(await server.token(), "/tracks?limit=1")).items;
  await measure("playing from there", [async () => {
    await page.getByRole("button", { name: `Play ${first.name}`, exact: true }).click();
    await until(page, { status: "playing", media_id: first.id, isHere: true });
  }, press("Shift+N")]);

  await go("/queue");
  await page.locator(".row.track").first().waitFor();
  await measure("the queue of 500", ["End", "Home"].map(press));

  await go("/albums");
  const album = page.getByText("Album 1", { exact: true });
  await album.waitFor();
  await measure("an album of 1,000", [async () => {
    await album.click();
    await page.getByText("1,000 tracks").waitFor();
    await page.getByText("Track 10", { exact: true }).waitFor();
  }, ...["End", "Home"].map(press)]);

  await go("/search");
  const typed = [..."track 123"].map((letter) => async () => {
    // A space alone asks for nothing new.
    const answered = letter === " " ? undefined : page.waitForResponse((response) => response.url().includes("/v1/search") && response.ok());
    await page.keyboard.press(letter === " " ? "Space" : letter);
    await answered;
    await drawn();
  });
  await measure("search as one types", typed);
  await page.getByText("Track 123", { exact: true }).first().waitFor();
  assert.ok(quantile(all_ms, 0.95) <= MOST_MS, all_ms.map((ms) => ms.toFixed(1)).join());
  await wish(page, { op: "stop" });
  assert.deepEqual(errors, []);
  await context.close();
});

/** It is small, and stays so however large the library is. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, opened, quantile, welcomed } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** What the first load may weigh, compressed, without covers and audio. */
const MOST_BYTES = 100 * 1024;
/** Tracks of a large library. */
const TOTAL = 100_000;

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

test("the first load weighs less than 100 KiB and asks no other server", async (t) => {
  const { page, context } = await opened(browser, server, "Desk");
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  /** @type {Map<string, number>} */
  const loaded = new Map();
  page.on("requestfinished", async (request) => {
    const { pathname } = new URL(request.url());
    if (request.url().startsWith("blob:")) return;
    assert.ok(request.url().startsWith(server.url), request.url());
    if (!/^\/(v1\/covers|media)\//.test(pathname)) loaded.set(request.url(), (await request.sizes()).responseBodySize);
  });
  await page.reload({ waitUntil: "networkidle" });
  await welcomed(page);
  const bytes = [...loaded.values()].reduce((sum, size) => sum + size, 0);
  t.diagnostic(`${loaded.size} answers, ${(bytes / 1024).toFixed(1)} KiB compressed`);
  assert.ok(loaded.size > 40 && bytes < MOST_BYTES, `${bytes}`);
  await context.close();
});

test("a list of 100,000 tracks keeps few rows and reaches its end at once", async (t) => {
  const { page, errors, context } = await open(browser, server, "Desk");
  const token = await server.token();
  const [track] = (await server.ask(token, "/tracks?limit=1")).items;
  await page.route("**/v1/tracks?limit=*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    const [limit, offset] = [Number(query.get("limit")), Number(query.get("offset"))];
    const items = Array.from({ length: limit }, (_, index) => ({ ...track, name: `Track ${offset + index + 1}` }));
    return route.fulfill({ json: { items, limit, offset, total: TOTAL, next: null } });
  });
  await page.goto(`${server.url}/tracks`);
  await page.getByRole("button", { name: "Play Track 1", exact: true }).focus();
  const cdp = await context.newCDPSession(page);
  // The time of the thread, not of a busy machine.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const scripting_ms = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return 1000 * (metrics.find(({ name }) => name === "ScriptDuration")?.value ?? 0);
  };
  /** @type {number[]} */
  const inputs = [];
  for (const key of [...Array(12).fill("PageDown"), ...Array(12).fill("ArrowDown"), "End", "Home", "End"]) {
    const before_ms = await scripting_ms();
    await page.keyboard.press(key);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    inputs.push((await scripting_ms()) - before_ms);
  }
  await page.getByText("Track 100000", { exact: true }).waitFor();
  const rows = await page.locator(".row.track").count();
  t.diagnostic(`${rows} rows; scripting per input, ms: worst ${Math.max(...inputs).toFixed(1)}, mean ${(inputs.reduce((sum, ms) => sum + ms, 0) / inputs.length).toFixed(1)}`);
  assert.ok(rows < 60, `${rows} rows`);
  assert.ok(quantile(inputs, 0.95) <= 50, inputs.join());
  assert.deepEqual(errors, []);
  await context.close();
});

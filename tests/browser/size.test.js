/** The size of the first load. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, opened, welcomed } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** The most bytes of the first load, compressed, without covers and audio. */
const MOST_BYTES = 100 * 1024;

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
  assert.ok(loaded.size > 5 && bytes < MOST_BYTES, `${bytes}`);
  await context.close();
});

/**
 * A server with a certificate: a page from another machine can do everything that a page on the server's machine can.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SECURE, launch, sounds, until, welcomed, command } from "./harness/browser.js";
import { keeping, keeps } from "./harness/keeping.js";
import { Server } from "./harness/server.js";

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any} */ let tone;

before(async () => {
  server = await Server.start();
  [tone] = await server.addTones([{ name: "Long tone", seconds: 60 }]);
  await server.secure();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

test("over HTTPS from another machine music is kept, and the page opens and plays it without the server", async () => {
  const { page, errors, context } = await keeping(browser, server, "Garage", { baseURL: SECURE[1](server) });
  assert.equal(await page.evaluate(() => isSecureContext), true);
  await command(page, { op: "play", tracks: [tone.id] });
  await until(page, { status: "playing", media_id: tone.id, isHere: true });
  await keeps(page, 1);
  await page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
  await page.getByLabel("Keep music for offline").waitFor();
  assert.equal(await page.getByText("Some things need HTTPS").count(), 0);
  await command(page, { op: "stop" });
  await server.stop();
  await page.goto(`${SECURE[1](server)}/offline`);
  await page.getByRole("button", { name: "Play Long tone" }).click();
  await until(page, { status: "playing", media_id: tone.id });
  await sounds(page);
  await server.run();
  await welcomed(page);
  await until(page, { status: "playing", media_id: tone.id, isHere: true });
  assert.deepEqual(errors, []);
  await context.close();
});

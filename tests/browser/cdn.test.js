/** Audio from a CDN: a real nginx on another origin, by the recipe. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { command, launch, open, shown, sounds, until } from "./harness/browser.js";
import { keeping, keeps } from "./harness/keeping.js";
import { EDGE_SECRETS, edge, freePort, refuser } from "./harness/nginx.js";
import { Server } from "./harness/server.js";

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof edge>>} */ let cdn;
/** What stands before the CDN. @type {Awaited<ReturnType<typeof refuser>>} */ let door;
/** @type {any[]} */ let tones;
/** The folder of the secrets. */
let folder = "";
let origin = "";

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "segue-secrets."));
  const port = await freePort();
  door = await refuser(port);
  origin = door.url;
  const [addresses, secret] = [path.join(folder, "addresses"), path.join(folder, "edge")];
  await writeFile(addresses, EDGE_SECRETS.addresses);
  await writeFile(secret, EDGE_SECRETS.edge);
  server = await Server.start({
    SEGUE_DELIVERY: "cdn",
    SEGUE_CDN_URL: origin,
    SEGUE_CDN_SIGNATURE: "nginx",
    SEGUE_CDN_SECRET_FILE: addresses,
    SEGUE_CDN_ORIGIN_SECRET_FILE: secret,
  });
  cdn = await edge(port, server.url);
  tones = await server.addTones([
    { name: "Far tone", seconds: 60 },
    { name: "Long far tone", seconds: 12.5 * 60 },
    { name: "Refused tone", seconds: 13 * 60 },
  ]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await cdn?.end();
  door?.end();
  await server?.end();
  await rm(folder, { recursive: true, force: true });
});

test("a page plays and seeks a track that comes from the CDN, and renews addresses that are refused", async () => {
  const { page, errors, context } = await open(browser, server, "Study");
  for (const tone of tones.slice(0, 2)) {
    await command(page, { op: "play", tracks: [tone.id] });
    await until(page, { status: "playing", media_id: tone.id });
    await sounds(page);
    const position_ms = tone.duration_ms * 0.8;
    await command(page, { op: "seek", position_ms });
    await until(page, { status: "playing", media_id: tone.id });
    await sounds(page);
    const { place_ms } = await shown(page);
    assert.ok(place_ms >= position_ms, `${place_ms}`);
  }
  // Each came from there by ranges, too: the place of the second seek is far behind its begin.
  const log = await cdn.log();
  assert.ok(log.length >= 2 && log.every((line) => / (20[06]|304) /.test(line)), log.join("\n"));
  assert.ok(
    log.every((line) => line.endsWith(server.url)),
    `pages ask with their origin: ${log.join("\n")}`,
  );
  // An address that the CDN refuses is renewed, and the track goes on at its place.
  const refused = tones[2];
  const begins = door.refuse();
  await command(page, { op: "play", tracks: [refused.id] });
  await begins;
  await until(page, { status: "playing", media_id: refused.id });
  // In its middle, which is not loaded.
  const goesOn = door.refuse();
  const position_ms = refused.duration_ms * 0.6;
  await command(page, { op: "seek", position_ms });
  await goesOn;
  await until(page, { status: "playing", media_id: refused.id });
  await sounds(page);
  const { place_ms } = await shown(page);
  assert.ok(place_ms >= position_ms && place_ms < position_ms + 60_000, `${place_ms}`);
  assert.deepEqual(errors, []);
  await context.close();
});

test("the policy of the page lets audio of the CDN in", async () => {
  const { page, context } = await open(browser, server, "Hall", { bypassCSP: false });
  /** @type {string[]} */
  const refused = [];
  page.on("console", (message) => message.text().includes(origin) && refused.push(message.text()));
  for (const tone of tones.slice(0, 2)) {
    await command(page, { op: "play", tracks: [tone.id] });
    await until(page, { status: "playing", media_id: tone.id });
  }
  assert.deepEqual(refused, []);
  await context.close();
});

test("a track from the CDN is kept, and plays without server and CDN", async () => {
  const { page, errors, context } = await keeping(browser, server, "Train");
  await command(page, { op: "play", tracks: [tones[0].id] });
  await until(page, { status: "playing", media_id: tones[0].id });
  await keeps(page, 1);
  await page.getByRole("navigation").getByRole("link", { name: "Offline" }).click();
  await page.locator(".row.track .title").getByText("Far tone", { exact: true }).waitFor();
  await command(page, { op: "stop" });
  await server.stop();
  await cdn.end();
  await page.reload();
  await page.getByRole("button", { name: "Play Far tone" }).click();
  await until(page, { status: "playing", media_id: tones[0].id });
  await sounds(page);
  assert.deepEqual(errors, []);
  await context.close();
});

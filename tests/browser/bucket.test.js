/** Audio from a bucket on another origin, by presigned addresses. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { command, launch, open, shown, sounds, until } from "./harness/browser.js";
import { keeping, keeps } from "./harness/keeping.js";
import { Server } from "./harness/server.js";
import { BUCKET, storage } from "./harness/storage.js";

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof storage>>} */ let bucket;
/** @type {any[]} */ let tones;
/** The folder of the key. */
let folder = "";

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "segue-key."));
  bucket = await storage(folder);
  server = await Server.ofBucket({
    SEGUE_MUSIC: `s3://${BUCKET}/lib`,
    SEGUE_DELIVERY: "presigned",
    SEGUE_S3_ENDPOINT: bucket.url,
    SEGUE_S3_KEY_FILE: bucket.key,
  });
  tones = await server.addTones([
    { name: "Far tone", seconds: 60 },
    { name: "Long far tone", seconds: 12.5 * 60 },
  ]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
  await bucket?.end();
  await rm(folder, { recursive: true, force: true });
});

test("a page plays and seeks a track that comes from the bucket, decoded and as a stream", async () => {
  const { page, errors, context } = await open(browser, server, "Study");
  const before = bucket.log.length;
  for (const tone of tones) {
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
  const asked = bucket.log.slice(before).filter((line) => line.includes("X-Amz-Signature="));
  assert.ok(asked.length >= 2, asked.join("\n"));
  assert.deepEqual(errors, []);
  await context.close();
});

test("the policy of the page lets audio of the bucket in", async () => {
  const { page, context } = await open(browser, server, "Hall", { bypassCSP: false });
  /** @type {string[]} */
  const refused = [];
  page.on("console", (message) => message.text().includes(bucket.url) && refused.push(message.text()));
  for (const tone of tones) {
    await command(page, { op: "play", tracks: [tone.id] });
    await until(page, { status: "playing", media_id: tone.id });
  }
  assert.deepEqual(refused, []);
  await context.close();
});

test("a track from the bucket is kept, and plays without server and bucket", async () => {
  const { page, errors, context } = await keeping(browser, server, "Train");
  await command(page, { op: "play", tracks: [tones[0].id] });
  await until(page, { status: "playing", media_id: tones[0].id });
  await keeps(page, 1);
  await page.getByRole("navigation").getByRole("link", { name: "Offline" }).click();
  await page.locator(".row.track .title").getByText("Far tone", { exact: true }).waitFor();
  await command(page, { op: "stop" });
  await server.stop();
  await bucket.end();
  await page.reload();
  await page.getByRole("button", { name: "Play Far tone" }).click();
  await until(page, { status: "playing", media_id: tones[0].id });
  await sounds(page);
  assert.deepEqual(errors, []);
  await context.close();
});

/** Formats that the browser cannot play. */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { command, launch, open } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { RATE } from "./harness/tones.js";

/** A second of silence as an AIFF file, which Chromium cannot play. */
function aiff() {
  const bytes = Buffer.alloc(54 + RATE * 2);
  bytes.write("FORM", 0);
  bytes.writeUInt32BE(bytes.length - 8, 4);
  bytes.write("AIFFCOMM", 8);
  bytes.writeUInt32BE(18, 16);
  bytes.writeUInt16BE(1, 20);
  bytes.writeUInt32BE(RATE, 22);
  bytes.writeUInt16BE(16, 26);
  // The rate as an extended float of 80 bits.
  bytes.writeUInt16BE(0x400e, 28);
  bytes.writeUInt16BE(RATE, 30);
  bytes.write("SSND", 38);
  bytes.writeUInt32BE(8 + RATE * 2, 42);
  return bytes;
}

test("a track in a format that the browser cannot play is named with its format", async (t) => {
  const [browser, server] = [await launch(), await Server.start()];
  t.after(() => Promise.all([browser.close(), server.end()]));
  await writeFile(path.join(await server.musicFolder("Rare"), "Rare tone.aiff"), aiff());
  const token = await server.token();
  await server.ask(token, "/library/scan", { method: "POST" });
  /** @type {any} */
  let track;
  while (!track) {
    const { items } = await server.ask(token, "/tracks?limit=50&sort=newest");
    track = items.find((/** @type {any} */ item) => item.name === "Rare tone");
  }
  const { page, errors } = await open(browser, server, "Loft");
  await command(page, { op: "play", tracks: [track.id] });
  await page.getByText("This browser cannot play AIFF: try another browser or device.").first().waitFor();
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

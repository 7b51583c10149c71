/** Loading a track's bytes, from a server that moves, changes, loses or withholds them. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, mock, test } from "node:test";
import { Loader, Unplayable } from "../../../player/audio/loader.js";

/** @type {import("node:http").Server} */ let server;
let origin = "";
/** The paths that were asked for. @type {string[]} */ let asked = [];

before(async () => {
  // The path is the status of the answer; `/silent` sends nothing after its first byte.
  server = createServer(({ url = "" }, response) => {
    asked.push(url);
    const status = Number(url.slice(1));
    if (url === "/silent") response.writeHead(200).write("a");
    else response.writeHead(status).end(status === 200 ? "all of it" : "{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

/**
 * A loader that knows an address and gets another one when it asks again.
 * @param {string} known @param {string} renewed
 */
function loader(known, renewed) {
  asked = [];
  const context = () => {
    throw new Error("nothing is decoded here");
  };
  return new Loader(context, async (_, renew) => `${origin}${renew ? renewed : known}`);
}

for (const status of [403, 404, 409]) {
  test(`an address that answers ${status} is asked for anew, once`, async () => {
    const bytes = await loader(`/${status}`, "/200").bytes("track");
    assert.equal(new TextDecoder().decode(bytes), "all of it");
    assert.deepEqual(asked, [`/${status}`, "/200"]);
  });
}

test("a track that cannot be loaded is given up; one that may be loaded later is not", async () => {
  for (const status of [403, 404, 410])
    await assert.rejects(loader("/404", `/${status}`).bytes("track"), Unplayable, `${status}`);
  // The file is read again, too many requests, an error of the server.
  for (const status of [409, 429, 500, 503]) {
    await assert.rejects(
      loader("/404", `/${status}`).bytes("track"),
      (error) => !(error instanceof Unplayable),
      `${status}`,
    );
  }
});

test("a track that the server does not know is given up; a server that cannot be reached is not", async () => {
  /** @param {number} status */
  const unknown = (status) =>
    new Loader(
      () => {
        throw new Error("nothing is decoded here");
      },
      () => Promise.reject(Object.assign(new Error("no such track"), { status })),
    );
  await assert.rejects(unknown(404).bytes("track"), Unplayable);
  await assert.rejects(unknown(404).address("track", true), Unplayable);
  await assert.rejects(unknown(0).bytes("track"), (error) => !(error instanceof Unplayable));
});

test("a preload that fails is not repeated for a while, but a track that is needed is loaded at once", async () => {
  const some = loader("/503", "/503");
  for (let round = 0; round < 6; round += 1) {
    // The current item and the next, both at each check.
    for (const track of ["track", "next"]) some.soon(track, round > 3);
    await Promise.allSettled([...some.bytesOf.values(), ...some.bufferOf.values()]);
  }
  assert.deepEqual(asked, ["/503", "/503"], "each once");
  await assert.rejects(some.bytes("track"));
  assert.deepEqual(asked, ["/503", "/503", "/503"]);
});

test("an address is examined without loading it", async () => {
  const some = loader("/200", "/200");
  await some.examine(`${origin}/200`);
  await assert.rejects(some.examine(`${origin}/404`), Unplayable);
  await assert.rejects(some.examine(`${origin}/409`), (error) => !(error instanceof Unplayable));
});

test(
  "a download that stops in the middle is given up, and started again by the next request",
  { timeout: 10_000 },
  async (t) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    t.after(() => mock.timers.reset());
    const some = loader("/silent", "/silent");
    const first = some.bytes("track");
    const refused = assert.rejects(first, { name: "AbortError" });
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(some.bytes("track"), first, "who asks meanwhile waits for the same");
    mock.timers.tick(20_000);
    await refused;
    const second = assert.rejects(some.bytes("track"), { name: "AbortError" });
    while (asked.length === 1) await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(20_000);
    await second;
  },
);

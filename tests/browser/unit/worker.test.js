/** The service worker by itself: the cost of playing kept music, and what is removed first. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import vm from "node:vm";

const HOST = "http://music.home.arpa";

/** A cache with the methods that the worker uses; it counts the bytes that are written. */
class Shelf {
  /** @type {Map<string, {bytes: Uint8Array, headers: Headers}>} */
  entries = new Map();
  written_bytes = 0;

  /** @param {any} key */
  url(key) {
    return new URL(key.url ?? key, HOST).href;
  }

  /** @param {any} key @param {Response} response */
  async put(key, response) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    this.written_bytes += bytes.length;
    this.entries.set(this.url(key), { bytes, headers: response.headers });
  }

  /** @param {any} key */
  async match(key) {
    const found = this.entries.get(this.url(key));
    return found && new Response(found.bytes.slice(), { headers: found.headers });
  }

  async keys() {
    return [...this.entries.keys()].map((url) => ({ url }));
  }

  /** @param {any} key */
  async delete(key) {
    return this.entries.delete(this.url(key));
  }
}

/** A worker with this limit, and a server whose tracks have 1,000,000 bytes each. @param {number} keep_bytes */
async function worker(keep_bytes) {
  /** @type {Map<string, Shelf>} */
  const shelves = new Map();
  const shelf = (/** @type {string} */ name) =>
    shelves.get(name) ?? shelves.set(name, new Shelf()).get(name) ?? new Shelf();
  /** @type {Record<string, (event: any) => void>} */
  const listeners = {};
  const self = {
    addEventListener: (/** @type {string} */ type, /** @type {any} */ listener) => {
      listeners[type] = listener;
    },
    clients: { matchAll: async () => [], claim() {} },
    skipWaiting() {},
  };
  const bytes = new Uint8Array(1e6);
  const fetch = async () => new Response(bytes.slice(), { headers: { "content-length": String(bytes.length) } });
  const source = await readFile(new URL("../../../player/sw.js", import.meta.url), "utf8");
  vm.runInNewContext(source, {
    self,
    caches: { open: async (/** @type {string} */ name) => shelf(name) },
    fetch,
    location: { origin: HOST, href: `${HOST}/sw.js` },
    Response,
    Headers,
    URL,
    Set,
    Map,
    Promise,
    JSON,
    setTimeout,
  });
  /** @param {string} type @param {object} event */
  const happens = async (type, event) => {
    /** @type {Promise<unknown>[]} */
    const waits = [];
    /** @type {any} */
    let answer;
    listeners[type]({
      ...event,
      waitUntil: (/** @type {any} */ until) => waits.push(until),
      respondWith: (/** @type {any} */ response) => {
        answer = response;
      },
    });
    const response = await answer;
    for (const wait of waits) await wait;
    return response;
  };
  await happens("message", { data: { keep_bytes } });
  return {
    media: shelf("segue-media"),
    used: shelf("segue-used"),
    /** @param {string} path @param {string} [range] */
    get: (path, range) => happens("fetch", { request: new Request(HOST + path, { headers: range ? { range } : {} }) }),
  };
}

test("reading ranges of a kept track does not write the track again", async () => {
  const { media, used, get } = await worker(5e6);
  await get("/media/a");
  assert.equal(media.written_bytes, 1e6);
  for (let at = 0; at < 1e6; at += 1e5) {
    const part = await get("/media/a", `bytes=${at}-${at + 99_999}`);
    assert.equal(part.status, 206);
  }
  assert.equal(media.written_bytes, 1e6);
  assert.ok(used.written_bytes < 1_000, `${used.written_bytes}`);
});

test("the least recently used track is removed first", async () => {
  const { media, get } = await worker(3e6);
  for (const name of ["a", "b", "c"]) await get(`/media/${name}`);
  await get("/media/a", "bytes=0-99");
  await get("/media/d");
  assert.deepEqual((await media.keys()).map(({ url }) => new URL(url).pathname).sort(), [
    "/media/a",
    "/media/c",
    "/media/d",
  ]);
});

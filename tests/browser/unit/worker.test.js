/** The service worker by itself: the cost of playing kept music, and what is removed first. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { beforeEach, test } from "node:test";
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

  /** @param {string[]} keys */
  async addAll(keys) {
    for (const key of keys) await this.put(key, new Response(key));
  }
}

/** The names of caches that a browser has, in the order in which they were made. @type {Map<string, Shelf>} */
let shelves = new Map();

/** What the server answers with in place of a track; `undefined` while it is away. @type {Response | undefined} */
let answer;

/**
 * A worker with this limit, and a server whose tracks have 1,000,000 bytes each.
 * @param {number} keep_bytes @param {{version?: string, folder?: string}} [place] of its script
 */
async function worker(keep_bytes, { version = "", folder = "/" } = {}) {
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
  const fetch = async (/** @type {any} */ request) => {
    if (/\/media\//.test(request.url ?? request))
      return new Response(bytes.slice(), { headers: { "content-length": String(bytes.length) } });
    if (!answer) throw new Error("away");
    return answer.clone();
  };
  const file = await readFile(new URL("../../../player/sw.js", import.meta.url), "utf8");
  const source = file.replace('const VERSION = "";', `const VERSION = "${version}";`);
  vm.runInNewContext(source, {
    self,
    caches: {
      open: async (/** @type {string} */ name) => shelf(name),
      keys: async () => [...shelves.keys()],
      delete: async (/** @type {string} */ name) => shelves.delete(name),
      match: async (/** @type {string} */ key) => {
        for (const known of shelves.values()) if (await known.match(key)) return known.match(key);
        return undefined;
      },
    },
    fetch,
    location: { origin: HOST, href: `${HOST}${folder}sw.js` },
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
    happens,
    /** @param {string} path @param {string} [range] */
    get: (path, range) => happens("fetch", { request: new Request(HOST + path, { headers: range ? { range } : {} }) }),
  };
}

/** @param {string} version */
const pageOf = (version) => new Response(`<script src="player/${version}/first.js">`);

/** @param {Awaited<ReturnType<typeof worker>>} worker @param {string} path */
const navigate = async ({ happens }, path) => {
  const response = await happens("fetch", { request: { url: HOST + path, method: "GET", mode: "navigate" } });
  return response.text();
};

beforeEach(() => {
  shelves = new Map();
  answer = undefined;
});

test("the page is kept with the files of its own version, and opens without the server", async () => {
  answer = pageOf("a1");
  const one = await worker(0, { version: "a1" });
  await one.happens("install", {});
  await one.happens("activate", {});
  answer = pageOf("b2");
  assert.match(await navigate(one, "/albums"), /b2/);
  answer = undefined;
  assert.match(await navigate(one, "/albums"), /a1/);
  answer = new Response("Bad Gateway", { status: 502 });
  assert.match(await navigate(one, "/albums"), /a1/);
  const file = await one.get("/player/a1/first.js");
  assert.equal(await file.text(), "player/a1/first.js");
});

test("a worker whose server has another version already keeps nothing", async () => {
  answer = pageOf("b2");
  const one = await worker(0, { version: "a1" });
  await assert.rejects(one.happens("install", {}), /another version/);
  assert.equal(await shelves.get("segue-page-a1")?.match("./"), undefined);
});

test("of the pages the newest two versions are kept, and those of another path are left alone", async () => {
  for (const version of ["a1", "b2", "c3"]) {
    answer = pageOf(version);
    const one = await worker(0, { version });
    await one.happens("install", {});
    if (version === "a1") {
      const other = await worker(0, { version, folder: "/music/" });
      await other.happens("install", {});
    }
    await one.happens("activate", {});
  }
  const pages = [...shelves.keys()].filter((name) => name.startsWith("segue-page"));
  assert.deepEqual(pages, ["segue-page-a1 /music", "segue-page-b2", "segue-page-c3"]);
});

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

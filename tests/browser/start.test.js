/**
 * The start of the page: how many round trips the first view takes, what is shown meanwhile, what is asked for again.
 */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { holds, launch, loggedIn, open, welcomed } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { furnish, go } from "./harness/views.js";

/** @import {Route} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {Record<string, string>} */ let views;

before(async () => {
  server = await Server.start();
  const token = await server.token();
  const { items } = await server.ask(token, "/tracks?limit=20");
  views = await furnish(server, items, await server.ask(token, `/albums/${items[0].album.id}`));
  browser = await launch();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** A page that is logged in and loads the joined files from the server. */
async function visitor() {
  const context = await browser.newContext({ serviceWorkers: "block" });
  await context.addInitScript(await loggedIn(server, "Desk"));
  return context.newPage();
}

/** What a request is for: a path of the API, or the name of a file of the player. @param {string} url */
function wanted(url) {
  const { pathname, search } = new URL(url);
  return pathname.startsWith("/v1/") ? pathname.slice(3) + search : pathname.split("/").at(-1);
}

const PAGE = "limit=50&offset=0";
/** @type {[view: string, requests: (id: string) => string[], shown: string][]} */
const FIRST_VIEWS = [
  [
    "home",
    () => [
      "/me/player/recently-played?limit=20",
      "/albums?sort=newest&limit=18",
      "/me/top/tracks?limit=10",
      "/artists?limit=18",
    ],
    "view-home .card",
  ],
  ["albums", () => [`/albums?sort=name&${PAGE}`], "view-albums .card"],
  ["artists", () => [`/artists?sort=name&${PAGE}`], "view-artists .card"],
  ["tracks", () => [`/tracks?${PAGE}`], "view-tracks .row"],
  ["saved", () => [`/me/tracks?${PAGE}`], "view-saved .row"],
  ["playlists", () => ["later.js", `/me/playlists?${PAGE}`], "view-playlists .card"],
  ["album", (id) => ["later.js", `/albums/${id}`], "view-album .row"],
  [
    "artist",
    (id) => ["later.js", `/artists/${id}`, `/artists/${id}/albums?${PAGE}`, `/artists/${id}/tracks?${PAGE}`],
    "view-artist .row",
  ],
  [
    "playlist",
    (id) => ["later.js", `/playlists/${id}?fields=!tracks.items`, `/playlists/${id}/tracks?${PAGE}`],
    "view-playlist .row",
  ],
];

for (const [view, requests, shown] of FIRST_VIEWS) {
  test(`the first view takes one round trip beyond the page: ${view}`, async () => {
    const page = await visitor();
    /** @type {Map<string, Route>} */
    const held = new Map();
    let isReleased = false;
    await page.route("**", (route) => {
      const request = route.request();
      if (request.isNavigationRequest()) return route.continue();
      // What is asked for after the first answer is never answered.
      if (!isReleased) held.set(wanted(request.url()) ?? "", route);
      return undefined;
    });
    const needed = ["first.js", "style.css", ...requests(views[view].split("/").at(-1) ?? "")];
    await page.goto(server.url + views[view], { waitUntil: "commit" });
    const give_up_ms = Date.now() + 30_000;
    while (!needed.every((name) => held.has(name))) {
      assert.ok(Date.now() < give_up_ms, `of ${needed} only ${[...held.keys()]} were asked for`);
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    }
    isReleased = true;
    await Promise.all([...held.values()].map((route) => route.continue()));
    await page.locator(shown).first().waitFor();
  });
}

test("the log-in takes one round trip beyond the page, too", async () => {
  const context = await browser.newContext({ serviceWorkers: "block" });
  const page = await context.newPage();
  /** @type {Map<string, Route>} */
  const held = new Map();
  let isReleased = false;
  await page.route("**/player/**", (route) => {
    if (isReleased) return;
    held.set(wanted(route.request().url()) ?? "", route);
  });
  await page.goto(server.url, { waitUntil: "commit" });
  await holds(page, () => document.querySelector("link[rel=modulepreload]"));
  while (!["first.js", "later.js", "style.css"].every((name) => held.has(name)))
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  isReleased = true;
  await Promise.all([...held.values()].map((route) => route.continue()));
  await page.getByLabel("User name").waitFor();
});

test("a round trip of 200 ms: the time until the first view, and what is asked for again", async (t) => {
  const page = await visitor();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Network.enable");
  const slow = { offline: false, latency: 200, downloadThroughput: -1, uploadThroughput: -1 };
  await cdp.send("Network.emulateNetworkConditions", slow);
  /** The files that came over the network. @type {Set<string>} */
  const loaded = new Set();
  /** @type {Map<string, string>} */
  const asked = new Map();
  cdp.on("Network.requestWillBeSent", ({ requestId, request }) => asked.set(requestId, request.url));
  cdp.on("Network.responseReceived", ({ requestId, response }) => {
    if (!response.fromDiskCache) loaded.add(asked.get(requestId) ?? "");
  });
  cdp.on("Network.requestServedFromCache", ({ requestId }) => {
    const url = asked.get(requestId) ?? "";
    asked.set(requestId, "");
    loaded.delete(url);
  });
  for (const visit of ["first", "second"]) {
    loaded.clear();
    const from_ms = Date.now();
    await page.goto(server.url, { waitUntil: "commit" });
    await page.locator("view-home .card").first().waitFor();
    t.diagnostic(`${visit} visit: ${Date.now() - from_ms} ms`);
    await welcomed(page);
    const files = [...loaded]
      .filter(Boolean)
      .map(wanted)
      .filter((name) => /^(first|later|style)\./.test(name ?? ""));
    assert.deepEqual(files.sort(), visit === "first" ? ["first.js", "style.css"] : []);
  }
});

test("a list that is being loaded is shown in outlines", async () => {
  const { page } = await open(browser, server, "Desk");
  /** @type {Route[]} */
  const held = [];
  await page.route(/\/v1\/(artists|albums|me\/tracks)/, (route) => void held.push(route));
  for (const [view, outlines] of [
    ["artists", "view-artists .waiting"],
    ["saved", "view-saved .waiting"],
    ["album", "view-album .waiting"],
  ]) {
    await go(page, views[view]);
    await page.locator(outlines).waitFor();
    assert.ok(await page.locator(outlines).evaluate((element) => element.clientHeight > 200));
    await holds(page, () => document.querySelector("main .waiting"));
  }
  await page.unroute(/\/v1\/(artists|albums|me\/tracks)/);
  await Promise.all(held.map((route) => route.continue().catch(() => undefined)));
  await page.locator("view-album .row").first().waitFor();
  assert.equal(await page.locator("main .waiting").count(), 0);
});

test("a button that was pressed is marked until the server has answered", async () => {
  const { page } = await open(browser, server, "Desk");
  await go(page, "/settings");
  /** @type {Route | undefined} */
  let held;
  await page.route("**/v1/auth/logins", (route) => {
    if (route.request().method() !== "DELETE") return route.continue();
    held = route;
    return undefined;
  });
  const button = page.getByRole("button", { name: "End all others" });
  await button.click();
  await holds(page, () => document.querySelector("button[aria-busy]")?.textContent === "End all others");
  while (!held) await page.evaluate(() => undefined);
  await held.continue();
  await page.getByText("All other logins have ended.").waitFor();
  assert.equal(await button.getAttribute("aria-busy"), null);
});

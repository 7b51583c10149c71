/** Segue below a path of a site, behind a real nginx that takes the path away, or leaves it. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { command, holds, launch, until, welcomed } from "./harness/browser.js";
import { freePort, nginx } from "./harness/nginx.js";
import { Server } from "./harness/server.js";
import { logIn } from "./harness/views.js";

/** @import {Page} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {{end: () => Promise<void>}} */ let proxy;
/** @type {any} */ let tone;
/** The address of the site, and of one whose nginx leaves the path before what it passes on. */
let [outside, left, unset] = ["", "", ""];
/** A server that does not know that it is below a path. @type {Server} */ let forgotten;

before(async () => {
  const [port, leaving, unknown, inner] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  outside = `http://127.0.0.1:${port}/music/`;
  left = `http://127.0.0.1:${leaving}/music/`;
  unset = `http://127.0.0.1:${unknown}/music/`;
  server = await Server.start({ SEGUE_PUBLIC_URL: outside, SEGUE_TRUSTED_PROXIES: "127.0.0.1" }, inner);
  [tone] = await server.addTones([{ name: "Long tone", seconds: 60 }]);
  forgotten = await Server.start({ SEGUE_TRUSTED_PROXIES: "127.0.0.1" });
  proxy = await nginx([
    { port, path: "/music/", to: `${server.url}/` },
    { port: leaving, path: "/music/", to: server.url },
    { port: unknown, path: "/music/", to: `${forgotten.url}/` },
  ]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await proxy?.end();
  await server?.end();
  await forgotten?.end();
});

/**
 * A page of a new browser under the pages' own policy, what failed in it, and what it asked for.
 * @param {string} address
 */
async function visitor(address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  /** @type {string[]} */
  const faults = [];
  /** @type {Set<string>} */
  const asked = new Set();
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.text().includes("Content Security Policy") && faults.push(message.text()));
  page.on("response", (response) => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`));
  context.on("request", (request) => asked.add(request.url()));
  await page.goto(address);
  return { page, context, faults, asked };
}

/** @param {Page} page @param {string} name */
const place = (page, name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();

/** Waits for the path that the page shows. @param {Page} page @param {RegExp} pattern */
const isAt = (page, pattern) => page.waitForURL(({ pathname }) => pattern.test(pathname));

for (const [name, address] of /** @type {[string, () => string][]} */ ([
  ["takes the path away", () => outside],
  ["leaves the path", () => left],
])) {
  test(`behind an nginx that ${name} people log in, look, play and reload`, async () => {
    const root = address();
    const { page, context, faults, asked } = await visitor(root);
    await logIn(page, "demo", server.password);
    await welcomed(page);
    await isAt(page, /^\/music\/$/);
    await place(page, "Albums");
    await isAt(page, /^\/music\/albums$/);
    await page.locator("view-albums a").first().click();
    await isAt(page, /^\/music\/album\/[0-9a-f]{16}$/);
    await holds(page, () => {
      const cover = /** @type {HTMLImageElement | null} */ (document.querySelector("view-album .hero img"));
      return !cover || cover.naturalWidth > 0;
    });
    await page.reload();
    await welcomed(page);
    await page.locator("view-album h1").waitFor();
    await command(page, { op: "play", tracks: [tone.id] });
    await until(page, { status: "playing", isHere: true, media_id: tone.id });
    await command(page, { op: "stop" });
    await page.goBack();
    await isAt(page, /^\/music\/albums$/);
    await place(page, "Home");
    await isAt(page, /^\/music\/$/);
    const own = [...asked].filter((url) => !url.startsWith("blob:") && !url.startsWith("data:"));
    assert.deepEqual(
      own.filter((url) => !url.startsWith(root)),
      [],
    );
    assert.ok(
      own.some((url) => url.startsWith(`${root}media/`)),
      "the audio too",
    );
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("links lead below the path: codes, the API, its description and its documentation", async () => {
  const desk = await visitor(outside);
  await logIn(desk.page, "demo", server.password);
  await welcomed(desk.page);
  await place(desk.page, "Settings");
  await desk.page.getByRole("button", { name: "Log in on another device" }).click();
  assert.equal(await desk.page.locator("dialog .address").textContent(), `${outside}login`);
  const code = await desk.page.locator("dialog .code").textContent();
  const phone = await visitor(`${outside}login#${code}`);
  await welcomed(phone.page);
  assert.equal(phone.page.url(), outside);

  const headers = { authorization: `Bearer ${await server.token()}` };
  const answer = await (await fetch(`${outside}v1/tracks?limit=1`, { headers })).json();
  const [track] = answer.items;
  for (const url of [answer.href, answer.next, track.href, track.audio_url, track.external_urls.segue])
    assert.ok(url.startsWith(outside), url);
  const bytes = await fetch(track.audio_url);
  assert.equal(bytes.status, 200);
  await bytes.body?.cancel();
  assert.equal((await (await fetch(`${outside}openapi.json`)).json()).servers[0].url, outside.slice(0, -1));

  await phone.page.goto(`${outside}docs`);
  const line = phone.page.locator("#operations pre code").first();
  await line.waitFor();
  assert.ok((await line.textContent())?.includes(` ${outside}v1/`), (await line.textContent()) ?? "");
  assert.deepEqual([...desk.faults, ...phone.faults], []);
  await desk.context.close();
  await phone.context.close();
});

test("the installed page, the worker and what is stored belong to the path, also without the server", async () => {
  const { page, context } = await visitor(outside);
  await logIn(page, "demo", server.password);
  await welcomed(page);
  const cdp = await context.newCDPSession(page);
  const { manifest } = await cdp.send("Page.getAppManifest");
  const { appId, recommendedId } = await cdp.send("Page.getAppId");
  assert.deepEqual([manifest.startUrl, manifest.scope], [outside, outside]);
  assert.equal(appId ?? recommendedId, outside);
  assert.equal(await page.evaluate(() => navigator.serviceWorker.ready.then(({ scope }) => scope)), outside);
  await page.reload();
  await welcomed(page);
  await holds(page, () => caches.keys().then((names) => names.every((name) => name.endsWith(" /music"))));
  const names = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
  assert.deepEqual(
    names.filter((name) => name.startsWith("segue.") && !name.endsWith(" /music")),
    [],
  );
  await holds(page, () => caches.match("./").then(Boolean));
  await server.stop();
  await page.goto(`${outside}albums`);
  await page.getByRole("heading", { name: "Albums" }).waitFor();
  await server.run();
  await welcomed(page);
  await context.close();
});

test("past the proxy the page works too", async () => {
  const { page, context, faults } = await visitor(`${server.url}/albums`);
  await logIn(page, "demo", server.password);
  await welcomed(page);
  await isAt(page, /^\/music\/albums$/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a page whose server does not know of the path says which setting is missing", async () => {
  const { page, context } = await visitor(unset);
  await page.getByText(`public_url = "${unset.slice(0, -1)}"`).waitFor();
  await context.close();
});

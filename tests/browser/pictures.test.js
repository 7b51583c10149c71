/**
 * Every view, light and dark, on a phone and on a desk: kept as pictures in `$PICTURES` (`target/pictures` unless named),
 * to be looked at. Nothing of them is cut off at the side, whatever the music is called.
 */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { holds, launch, open, shown, stranger, until, wish } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** @import {Page} from "playwright-core" */

const FOLDER = process.env.PICTURES ?? fileURLToPath(new URL("../../target/pictures", import.meta.url));
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
/** Longer than any line. */
const LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz with The Extraordinarily Long and Winding Title";

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tracks;
/** @type {Record<string, string>} */ let views;

before(async () => {
  await mkdir(FOLDER, { recursive: true });
  server = await Server.start();
  browser = await launch();
  const token = await server.token();
  const [long] = await server.addTones([{ name: LONG, seconds: 3 }]);
  const { items } = await server.ask(token, "/tracks?limit=12&offset=1");
  tracks = [...items.slice(0, 3), long, ...items.slice(3)];
  const { albums } = await server.ask(token, "/search?q=five+small&type=album");
  const album = albums.items[0];
  const playlist = await server.ask(token, "/me/playlists", { method: "POST", body: JSON.stringify({ name: "Sunday morning" }) });
  const uris = tracks.map(({ uri }) => uri);
  await server.ask(token, `/playlists/${playlist.id}/tracks`, { method: "POST", body: JSON.stringify({ uris }) });
  await server.ask(token, `/me/tracks?ids=${tracks.slice(2, 7).map(({ id }) => id).join()}`, { method: "PUT" });
  views = {
    home: "/", search: "/search?q=la", albums: "/albums", album: `/album/${album.id}`, artists: "/artists", artist: `/artist/${album.artists[0].id}`,
    tracks: "/tracks", saved: "/saved", playlists: "/playlists", playlist: `/playlist/${playlist.id}`, queue: "/queue", devices: "/devices",
    now: "/now", settings: "/settings",
  };
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Shows a view and waits until it and its covers are there. @param {Page} page @param {string} address */
async function show(page, address) {
  await page.evaluate((address) => import(/** @type {any} */ ("/player/routes.js")).then(({ routes }) => routes.go(address)), address);
  await holds(page, () => document.querySelector("main h1") && ![...document.querySelectorAll("main .note")].some((note) => note.textContent === "Loading…"));
  await page.waitForLoadState("networkidle");
  await holds(page, () => [...document.images].every((image) => {
    const { left, top } = image.getBoundingClientRect();
    return image.complete || left > innerWidth || top > innerHeight;
  }));
}

/** What sticks out of the page at a side, other than in rows that scroll. @param {Page} page @returns {Promise<string[]>} */
const tooWide = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("body *")]
      .filter((element) => !element.closest(".shelf, .unseen, .skip, svg"))
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -1 || right > innerWidth + 1);
      })
      .map((element) => `${element.tagName}.${element.className} ${element.textContent?.slice(0, 40)}`),
  );

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
    test(`every view, ${size}, ${colorScheme}`, async () => {
      const isPhone = size === "phone";
      const kitchen = await open(browser, server, LONG.slice(0, 64));
      const { page, errors, context } = await open(browser, server, "Desk", { viewport, colorScheme, isMobile: isPhone, hasTouch: isPhone, reducedMotion: "reduce" });
      /** @type {string[]} */
      const wide = [];
      /** @param {string} name @param {Page} [of] */
      const picture = async (name, of = page) => {
        await of.screenshot({ path: path.join(FOLDER, `${name}-${size}-${colorScheme}.png`) });
        wide.push(...(await tooWide(of)).map((what) => `${name}: ${what}`));
      };
      const { own } = await shown(page);
      await wish(page, { op: "play", tracks: tracks.map(({ id }) => id), on: own });
      await until(page, { status: "playing", isHere: true });
      for (const [name, address] of Object.entries(views)) {
        await show(page, address);
        await picture(name);
      }
      await page.locator("player-bar .where").click();
      await picture("panel");
      await page.keyboard.press("Escape");
      await show(page, "/settings");
      await page.getByRole("button", { name: "Log in on another device" }).click();
      await page.locator("dialog .code").waitFor();
      await picture("code");
      await wish(page, { op: "stop" });
      await context.close();
      await kitchen.context.close();
      const fresh = await stranger(browser, { viewport, colorScheme, isMobile: isPhone });
      const outside = await fresh.newPage();
      for (const [name, address] of Object.entries({ login: "/", setup: "/setup#secret" })) {
        await outside.goto(server.url + address);
        await outside.waitForSelector("view-login form");
        await picture(name, outside);
      }
      await fresh.close();
      assert.deepEqual(wide, []);
      assert.deepEqual(errors, []);
    });
  }
}

/**
 * Every view, light and dark, on phone and desktop: saved as pictures in `$PICTURES` (default `target/pictures`), for
 * people to look at. Nothing may stick out at a side, whatever the music is called.
 */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, open, shown, stranger, until, welcomed, command } from "./harness/browser.js";
import { keeping, keeps } from "./harness/keeping.js";
import { Server } from "./harness/server.js";
import { EMPTY, cutOff, furnish, go, logIn, show } from "./harness/views.js";

/** @import {Page} from "playwright-core" */

const FOLDER = process.env.PICTURES ?? fileURLToPath(new URL("../../target/pictures", import.meta.url));
const SIZES = {
  desktop: { width: 1280, height: 800 },
  tablet: { width: 820, height: 1180 },
  phone: { width: 390, height: 844 },
  side: { width: 844, height: 390 },
};
/** @type {[keyof typeof SIZES, "dark" | "light"][]} */
const LOOKS = [
  ["desktop", "dark"],
  ["desktop", "light"],
  ["tablet", "light"],
  ["phone", "dark"],
  ["phone", "light"],
  ["side", "dark"],
];
/** Text from right to left, with digits and Latin letters in it. */
const FROM_RIGHT = "אוטובוס 405 לירושלים (Live 1984)";
/** Longer than any line. */
const LONG =
  "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz with The Extraordinarily Long and Winding Title";

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tracks;
/** @type {Record<string, string>} */ let views;

before(async () => {
  await mkdir(FOLDER, { recursive: true });
  server = await Server.start();
  browser = await launch();
  const token = await server.token();
  await server.addUser("nora", "nora's password");
  const [long, right] = await server.addTones([
    { name: LONG, seconds: 3 },
    { name: FROM_RIGHT, seconds: 3 },
  ]);
  const { items } = await server.ask(token, "/tracks?limit=12&offset=1");
  tracks = [...items.slice(0, 3), long, right, ...items.slice(3)];
  const { albums } = await server.ask(token, "/search?q=five+small&type=album");
  views = await furnish(server, tracks, albums.items[0]);
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/**
 * The elements that stick out of the page at a side, except in rows that scroll.
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
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

/**
 * What users see who have played and created nothing yet, and who have lost the server.
 * @param {(name: string, page: Page) => Promise<void>} picture
 * @param {import("playwright-core").BrowserContextOptions} options
 */
async function empty(picture, options) {
  const context = await stranger(browser, { serviceWorkers: "block", ...options });
  const page = await context.newPage();
  await page.goto(server.url);
  await logIn(page, "nora", "nora's password");
  await welcomed(page);
  for (const [name, address] of Object.entries(EMPTY)) {
    await go(page, address);
    await page.locator("main h1").waitFor();
    await picture(`empty-${name}`, page);
  }
  await page.route("**/v1/albums*", (route) => route.abort());
  await cutOff(page);
  await go(page, "/albums");
  await page.getByText("The server cannot be reached.").waitFor();
  await picture("cut-off", page);
  await context.close();
}

for (const [size, colorScheme] of LOOKS) {
  test(`every view, ${size}, ${colorScheme}`, async () => {
    const viewport = SIZES[size];
    const isPhone = size !== "desktop";
    const kitchen = await open(browser, server, LONG.slice(0, 64));
    const { page, errors, context } = await keeping(browser, server, "Desk", {
      viewport,
      colorScheme,
      isMobile: isPhone,
      hasTouch: isPhone,
      reducedMotion: "reduce",
    });
    /** @type {string[]} */
    const wide = [];
    /** @param {string} name @param {Page} [of] */
    const picture = async (name, of = page) => {
      await of.screenshot({ path: path.join(FOLDER, `${name}-${size}-${colorScheme}.png`) });
      wide.push(...(await tooWide(of)).map((what) => `${name}: ${what}`));
    };
    const { own } = await shown(page);
    await command(page, { op: "play", tracks: tracks.map(({ id }) => id), on: own });
    await until(page, { status: "playing", isHere: true });
    await keeps(page, 3);
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
    await page.getByRole("dialog").getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "New user…" }).click();
    await picture("dialog");
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { name: "Users" }).scrollIntoViewIfNeeded();
    await picture("users");
    await show(page, "/queue");
    await page.getByRole("button", { name: "More about Chorale" }).first().click({ force: true });
    await picture("menu");
    await page.keyboard.press("Escape");
    await command(page, { op: "stop" });
    await context.close();
    await kitchen.context.close();
    await empty(picture, { viewport, colorScheme, isMobile: isPhone, hasTouch: isPhone, reducedMotion: "reduce" });
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

test("the picture of the README: music on one device, seen from another", async () => {
  const kitchen = await open(browser, server, "Kitchen");
  const { page, context } = await keeping(browser, server, "Study", {
    viewport: SIZES.desktop,
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  const { own } = await shown(kitchen.page);
  /** @type {{items: {id: string}[]}} */
  const { items: album } = await server.ask(
    await server.token(),
    `${views.album.replace("/album/", "/albums/")}/tracks`,
  );
  await command(page, { op: "play", tracks: album.map(({ id }) => id), on: own });
  await until(kitchen.page, { status: "playing", isHere: true });
  await until(page, { status: "playing", isHere: false });
  await show(page, views.album);
  await page.locator("player-bar .where").click();
  await page.getByRole("dialog").getByText("Kitchen").first().waitFor();
  await page.screenshot({ path: path.join(FOLDER, "readme.png") });
  await command(page, { op: "stop" });
  await context.close();
  await kitchen.context.close();
});

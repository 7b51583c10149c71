/** How things look and where they are: text in both directions, narrow and low windows, touch, forced colours. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { command, holds, launch, open, shown, until } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { go, show } from "./harness/views.js";

/** @import {BrowserContextOptions, Page} from "playwright-core" */

/** The smallest target for a finger, in pixels. */
const FINGER = 44;
const FROM_RIGHT = "אוטובוס 405 לירושלים";
const LOW = "Gypsy jugglers played quietly";
/** @type {BrowserContextOptions} */
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
/** @type {BrowserContextOptions} */
const TABLET = { viewport: { width: 820, height: 1180 }, isMobile: true, hasTouch: true };
/** @type {BrowserContextOptions} */
const ON_ITS_SIDE = { viewport: { width: 844, height: 390 }, isMobile: true, hasTouch: true };

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tracks;
/** @type {any} */ let album;

before(async () => {
  server = await Server.start();
  const token = await server.token();
  tracks = await server.addTones([LOW, FROM_RIGHT, "Carrier Wave of the North"].map((name) => ({ name, seconds: 60 })));
  const { albums } = await server.ask(token, "/search?q=five+small&type=album");
  [album] = albums.items;
  browser = await launch();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** A page that plays these tracks. @param {BrowserContextOptions} options */
async function playing(options) {
  const opening = await open(browser, server, "Desk", options);
  const { own } = await shown(opening.page);
  await command(opening.page, { op: "play", tracks: tracks.map(({ id }) => id), on: own });
  await until(opening.page, { status: "playing", isHere: true });
  await opening.page.locator("player-bar .title", { hasText: LOW }).waitFor({ state: "attached" });
  return opening;
}

/** @param {import("playwright-core").Locator} locator */
async function boxOf(locator) {
  const box = await locator.boundingBox();
  assert.ok(box, `${locator} is not shown`);
  return box;
}

/** How far the letters of an element stand below its lower edge, in pixels. @param {Page} page @param {string} at */
const cutOffBelow = (page, at) =>
  page.locator(at).evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const letters = Math.max(...[...range.getClientRects()].map(({ bottom }) => bottom));
    return letters - element.getBoundingClientRect().bottom;
  });

test("the large title shows whole letters, and the bar leaves a page that shows all that it shows", async () => {
  for (const options of [{}, PHONE, ON_ITS_SIDE]) {
    const { page, errors } = await playing(options);
    await show(page, "/now");
    await page.locator("view-now .title", { hasText: LOW }).waitFor();
    assert.ok((await cutOffBelow(page, "view-now .title")) <= 0);
    assert.equal(await page.locator("player-bar").isVisible(), false);
    assert.equal(await page.getByRole("slider", { name: "Position" }).count(), 1);
    await show(page, "/albums");
    assert.equal(await page.locator("player-bar").isVisible(), true);
    assert.deepEqual(errors, []);
    await page.context().close();
  }
});

/** Where the letters of an element begin at the left. @param {Page} page @param {string} at */
const leftOf = (page, at) =>
  page.locator(at).evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return Math.round(range.getBoundingClientRect().left);
  });

test("a name from right to left stands where every other name stands", async () => {
  const { page, errors } = await playing({});
  const token = await server.token();
  /** @type {number[]} */
  const lefts = [];
  for (const name of ["Sunday", FROM_RIGHT]) {
    const { id } = await server.ask(token, "/me/playlists", { method: "POST", body: JSON.stringify({ name }) });
    await go(page, `/playlist/${id}`);
    await page.getByRole("heading", { level: 1, name }).waitFor();
    lefts.push(await leftOf(page, "h1"));
  }
  assert.equal(lefts[0], lefts[1]);
  await go(page, "/playlists");
  await page.locator(".card .name", { hasText: FROM_RIGHT }).waitFor();
  const inCards = await page.locator(".card").evaluateAll((cards) =>
    cards.map((card) => {
      const range = document.createRange();
      range.selectNodeContents(/** @type {Element} */ (card.querySelector(".name")));
      return Math.round(range.getBoundingClientRect().left - card.getBoundingClientRect().left);
    }),
  );
  assert.deepEqual([...new Set(inCards)], [0]);
  assert.deepEqual(errors, []);
});

test("the bar gives its room to the title; what it leaves out is in a menu", async () => {
  for (const width of [780, 820, 1000, 1180, 1200, 1280]) {
    const { page } = await playing({ viewport: { width, height: 900 } });
    const names = await boxOf(page.locator("player-bar .names"));
    assert.ok(names.width >= 150, `at ${width} px the title has ${names.width} px`);
    const title = page.locator("player-bar .title");
    if (width === 820) {
      assert.ok(await title.evaluate((element) => element.scrollWidth <= element.clientWidth), "the title is cut off");
      const more = page.locator("player-bar").getByRole("button", { name: "More" });
      await more.click();
      await page.getByRole("menuitem", { name: "Mute" }).click();
      await more.click();
      await page.getByRole("menuitem", { name: "Unmute" }).click();
      await more.click();
      await page.getByRole("menuitem", { name: "Keyboard shortcuts" }).click();
      await page.getByRole("dialog", { name: "Keyboard shortcuts" }).getByRole("button", { name: "Done" }).click();
      await more.click();
      await page.getByRole("menuitem", { name: "Queue" }).click();
      await page.getByRole("heading", { name: "Queue" }).waitFor();
    }
    await page.context().close();
  }
});

test("a phone on its side has the phone's layout", async () => {
  const { page, errors } = await playing(ON_ITS_SIDE);
  const sidebar = await boxOf(page.locator(".sidebar"));
  assert.ok(sidebar.y > 300, "the places are below the view");
  const main = await boxOf(page.locator("main"));
  assert.ok(main.x === 0 && main.width === 844 && main.height > 250, JSON.stringify(main));
  assert.ok(await page.getByRole("button", { name: "More", exact: true }).isVisible());
  assert.deepEqual(errors, []);
});

test("on touch the whole row plays, and cards have a button to play", async () => {
  const { page, errors } = await playing(PHONE);
  await go(page, `/album/${album.id}`);
  const row = page.locator(".row.track").nth(1);
  await row.waitFor();
  const id = (await server.ask(await server.token(), `/albums/${album.id}/tracks`)).items[1].id;
  const { width, height } = await boxOf(row);
  await row.tap({ position: { x: width * 0.6, y: height - 8 } });
  await until(page, { status: "playing", media_id: id });
  await go(page, "/search?q=carrier");
  // The names in a row are no targets of their own.
  await page.locator(".row.track .artists a").first().tap();
  const [first] = (await server.ask(await server.token(), "/search?q=carrier&type=track")).tracks.items;
  await until(page, { status: "playing", media_id: first.id });
  assert.equal(new URL(page.url()).pathname, "/search");
  await go(page, "/queue");
  await page.locator(".row.track .grip").first().waitFor();
  await go(page, "/artists");
  const play = page.locator(".card .play").first();
  await play.waitFor();
  await holds(
    page,
    () => getComputedStyle(/** @type {Element} */ (document.querySelector(".card .play"))).opacity === "1",
  );
  const { revision } = await page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => ({
      revision: session.playback.queue_revision,
    })),
  );
  await play.tap();
  await holds(
    page,
    (revision) =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => session.playback.queue_revision > revision,
      ),
    revision,
  );
  assert.deepEqual(errors, []);
});

for (const [name, options] of Object.entries({ phone: PHONE, tablet: TABLET, "phone on its side": ON_ITS_SIDE })) {
  test(`on touch every target is large enough: ${name}`, async () => {
    const { page, errors } = await playing(options);
    /** @type {string[]} */
    const small = [];
    const measure = async (/** @type {string} */ where) => {
      const found = await page.evaluate((finger) => {
        // A title is as large as its row, a link in the bar as large as what plays.
        const targets = document.querySelectorAll(
          "button:not(.row .title), .button, nav a, a.more, .brand, a.where, .hero .lede a, view-now .words a, " +
            'select, input:not([type="checkbox"])',
        );
        return [...targets]
          .map((target) => ({
            label: target.getAttribute("aria-label") ?? target.textContent,
            box: target.getBoundingClientRect(),
          }))
          .filter(({ box }) => box.width > 0 && (box.width < finger - 0.5 || box.height < finger - 0.5))
          .map(({ label, box }) => `${label} ${box.width} × ${box.height}`);
      }, FINGER);
      small.push(...found.map((what) => `${where}: ${what}`));
    };
    for (const address of ["/queue", "/search?q=a", "/", `/album/${album.id}`, "/devices", "/settings", "/albums"]) {
      await show(page, address);
      await measure(address);
    }
    await page.locator("player-bar .where").tap();
    await page.getByRole("dialog", { name: "Devices" }).waitFor();
    await measure("devices");
    await page.keyboard.press("Escape");
    const names = await boxOf(page.locator("player-bar .names"));
    await page.touchscreen.tap(names.x + 20, names.y + 8);
    await page.waitForURL(/\/now$/);
    await page.locator("view-now .transport").waitFor();
    await measure("/now");
    assert.deepEqual(small, []);
    assert.deepEqual(errors, []);
  });
}

/**
 * The colours along a line through the middle of an element.
 * @param {Page} page @param {import("playwright-core").Locator} of
 */
async function coloursOf(page, of) {
  const picture = (await of.screenshot()).toString("base64");
  return page.evaluate(async (picture) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, Math.floor(image.height / 2), image.width, 1);
    return [...Array(image.width).keys()].map((x) => data.slice(4 * x, 4 * x + 3).join());
  }, picture);
}

test("sliders and switches show their state in forced colours", async () => {
  const { page, errors } = await playing({ forcedColors: "active", bypassCSP: true });
  const slider = page.locator("player-bar").getByRole("slider", { name: /^Volume/ });
  await slider.fill("50");
  await page.mouse.move(10, 10);
  const line = await coloursOf(page, slider);
  const [left, right] = [line[Math.floor(line.length * 0.2)], line[Math.floor(line.length * 0.8)]];
  assert.notEqual(left, right, "the part before the handle looks like the part after it");
  await show(page, "/settings");
  const toggle = page.getByRole("switch", { name: "Even out loudness" });
  const on = await coloursOf(page, toggle);
  await toggle.click();
  await page.mouse.move(10, 10);
  await holds(page, () => document.getAnimations().length === 0);
  const off = await coloursOf(page, toggle);
  assert.ok(new Set(on).size > 1 && new Set(off).size > 1, "the knob cannot be seen");
  assert.notDeepEqual(on, off);
  await toggle.click();
  assert.deepEqual(errors, []);
});

test("the order of albums and artists survives a way back and a reload", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  for (const kind of ["albums", "artists"]) {
    await show(page, `/${kind}`);
    const order = page.getByRole("combobox", { name: "Order" });
    const first = () => page.locator(".card .name").first().textContent();
    await order.selectOption("newest");
    await page.waitForURL(/sort=newest/);
    await page.locator(".card a").first().waitFor();
    await page.locator(".card a").first().click();
    await page.waitForURL(/\/(album|artist)\//);
    await page.goBack();
    await page.locator(".card a").first().waitFor();
    assert.equal(await order.inputValue(), "newest");
    const newest = await first();
    await page.reload();
    await page.locator(".card a").first().waitFor();
    assert.equal(await order.inputValue(), "newest");
    assert.equal(await first(), newest);
    // The place in the navigation is the list in its usual order.
    await page.locator(`nav a[href$="/${kind}"]`).click();
    await holds(page, () => /** @type {any} */ (document.querySelector("select[aria-label=Order]"))?.value === "name");
  }
  assert.deepEqual(errors, []);
});

test("a right click opens the menu at the pointer, at any edge; the button opens it at the button", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await show(page, "/tracks");
  const menu = page.getByRole("menu");
  const { height } = page.viewportSize() ?? { height: 0 };
  const row = await boxOf(page.locator(".row.track").nth(2));
  for (const share of [0.25, 0.6, 0.97]) {
    const [x, y] = [row.x + row.width * share, row.y + 20];
    await page.mouse.click(x, y, { button: "right" });
    const box = await boxOf(menu);
    const isBeside = Math.abs(box.x - x) < 2 || Math.abs(box.x + box.width - x) < 2;
    assert.ok(isBeside, `the menu is at ${box.x}, the pointer at ${x}`);
    assert.ok(Math.abs(box.y - y) < 2 || Math.abs(box.y + box.height - y) < 2 || box.y + box.height <= height - 7);
    await page.keyboard.press("Escape");
    await menu.waitFor({ state: "detached" });
  }
  const more = page
    .locator(".row.track")
    .nth(2)
    .getByRole("button", { name: /^More about/ });
  await more.click();
  const [at, box] = [await boxOf(more), await boxOf(menu)];
  assert.ok(Math.abs(box.x + box.width - (at.x + at.width)) < 2);
  assert.deepEqual(errors, []);
});

test("the row of the current track shows whether it sounds", async () => {
  const { page, errors } = await playing({});
  await go(page, "/queue");
  const mark = page.locator(".row[aria-current] .sounding");
  await page.locator(".row[aria-current] .sounding[data-icon=volume]").waitFor();
  await command(page, { op: "pause" });
  await page.locator(".row[aria-current] .sounding[data-icon=pause]").waitFor();
  assert.equal(await mark.count(), 1);
  await command(page, { op: "play" });
  await page.locator(".row[aria-current] .sounding[data-icon=volume]").waitFor();
  assert.deepEqual(errors, []);
});

test("the panel of devices shows whole names, whatever their length", async () => {
  const name = "The very old computer below the stairs, next to the boiler, 2nd";
  const other = await open(browser, server, name);
  const { page, errors } = await open(browser, server, `${name.slice(0, 60)}3rd`);
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 844 });
    await page.locator("player-bar .where").click();
    await page.locator(".panel .row.device", { hasText: "2nd" }).waitFor();
    await page.locator(".panel .row.device", { hasText: "3rd (this tab)" }).waitFor();
    const isCut = await page
      .locator(".panel .row.device strong")
      .evaluateAll((names) =>
        names.map((name) => name.scrollWidth > name.clientWidth + 1 && getComputedStyle(name).overflow === "hidden"),
      );
    assert.ok(isCut.length >= 2 && !isCut.includes(true), JSON.stringify(isCut));
    await page.keyboard.press("Escape");
  }
  assert.deepEqual([...errors, ...other.errors], []);
});

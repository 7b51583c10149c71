/** Playback: no gap between tracks, the queue and playlists by hand, no sound before a click, plain HTTP. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open as openFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import {
  ORIGINS,
  devices,
  gaps,
  heard,
  holds,
  launch,
  open,
  opened,
  until,
  wasQuiet,
  welcomed,
  command,
} from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { RATE, tone } from "./harness/tones.js";

/** @type {Server} */ let server;
/** @type {any[]} */ let tones;

before(async () => {
  server = await Server.start();
  tones = await server.addTones([
    { name: "First tone", seconds: 5 },
    { name: "Second tone", seconds: 5 },
    { name: "Third tone", seconds: 12 },
    { name: "Fourth tone", seconds: 60 },
    { name: "Long tone", seconds: 13 * 60 },
    { name: "Changed tone", seconds: 20 },
    { name: "Lost tone", seconds: 13 * 60 },
  ]);
});

after(() => server?.end());

for (const [where, addressOf] of ORIGINS) {
  test(`there is no gap between the tracks of an album (from ${where})`, async (t) => {
    const browser = await launch();
    t.after(() => browser.close());
    const { page, errors } = await open(browser, server, "Kitchen", { baseURL: addressOf(server) });
    /** @type {number[]} */
    let silences = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      // Audio of an earlier attempt does not count.
      await command(page, { op: "stop" });
      await holds(page, () =>
        /** @type {any} */ (window).heard.slice(-40).every((/** @type {any} */ [, peak]) => peak === 0),
      );
      const since_ms = Date.now();
      await command(page, { op: "play", tracks: tones.slice(0, 3).map((tone) => tone.id) });
      await until(page, { status: "playing", media_id: tones[2].id });
      await holds(
        page,
        (since_ms) => /** @type {any} */ (window).heard.some((/** @type {any} */ [at_ms]) => at_ms > since_ms),
        Date.now() + 300,
      );
      silences = gaps(await heard(page, since_ms));
      const isQuiet = await wasQuiet(since_ms, page);
      t.diagnostic(isQuiet ? "the machine was quiet" : "the machine was busy");
      if (isQuiet) break;
      silences = [];
    }
    const lengths = silences.map((gap) => gap.toFixed(1)).join() || "none above 6";
    t.diagnostic(`stretches without sound over two boundaries, ms: ${lengths}`);
    assert.ok(
      silences.every((gap) => gap <= 20),
      silences.join(),
    );
    assert.deepEqual(errors, []);
  });
}

test("audio that is slightly off the shown place is corrected by speed, which is not audible", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const { page, errors } = await open(browser, server, "Cellar");
  await command(page, { op: "play", tracks: [tones[0].id, tones[3].id] });
  await until(page, { status: "playing", media_id: tones[3].id });
  /** How far the audio is ahead of the shown place, in milliseconds, and its speed. */
  const steered = () =>
    page.evaluate(async () => {
      const { session } = await import(/** @type {any} */ ("/player/session.js"));
      const { contextTimeAt, localNow } = await import(/** @type {any} */ ("/player/audio/moments.js"));
      const { engine, client } = session.player;
      const { voice } = engine.current;
      const local_us = localNow();
      return {
        ahead_ms: voice.placeAt(contextTimeAt(engine.context, local_us)) * 1000 - client.positionAt(local_us),
        speed: voice.speed,
      };
    });
  const since_ms = Date.now();
  await page.evaluate(async () => {
    const { session } = await import(/** @type {any} */ ("/player/session.js"));
    session.player.client.view.position_ms -= 15;
  });
  const began = await steered();
  let now = began;
  let least = 1;
  const give_up_ms = Date.now() + 30_000;
  while ((now.ahead_ms > 6 || least === 1) && Date.now() < give_up_ms) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    now = await steered();
    least = Math.min(least, now.speed);
  }
  const [ahead, then] = [began, now].map(({ ahead_ms }) => `${ahead_ms.toFixed(1)} ms`);
  const seconds = ((Date.now() - since_ms) / 1000).toFixed(0);
  t.diagnostic(`${ahead} ahead, at speed ${least.toFixed(4)} for ${seconds} s, then ${then}`);
  assert.ok(began.ahead_ms > 10 && now.ahead_ms <= 6 && least < 1 && least >= 0.998);
  const silences = gaps(await heard(page, since_ms));
  if (await wasQuiet(since_ms, page))
    assert.ok(
      silences.every((gap) => gap <= 20),
      silences.join(),
    );
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("there is no gap after a track whose speed was corrected until shortly before its end", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const { page, errors } = await open(browser, server, "Hall");
  /** What the engine does at the end of the current item. */
  const end = () =>
    page.evaluate(async () => {
      const { session } = await import(/** @type {any} */ ("/player/session.js"));
      const { current, next } = session.player.engine;
      return {
        media_id: current?.item.media_id,
        speed: current?.voice?.speed,
        ends_s: current?.voice?.endsAt(),
        boundary_s: next?.boundary_s,
      };
    });
  /** @type {number[]} */
  let silences = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await command(page, { op: "stop" });
    await holds(page, () =>
      /** @type {any} */ (window).heard.slice(-40).every((/** @type {any} */ [, peak]) => peak === 0),
    );
    const since_ms = Date.now();
    // The first item plays as a stream, which is not corrected by speed.
    await command(page, { op: "play", tracks: [tones[0].id, tones[2].id, tones[1].id] });
    await command(page, { op: "seek", position_ms: 2_500 });
    await until(page, { status: "playing", media_id: tones[2].id });
    await page.evaluate(async () => {
      const { session } = await import(/** @type {any} */ ("/player/session.js"));
      session.player.client.view.position_ms -= 15;
    });
    await holds(page, () =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => session.player.engine.current?.voice?.speed < 1,
      ),
    );
    await holds(page, () =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => session.player.engine.next?.boundary_s !== undefined,
      ),
    );
    const planned = await end();
    assert.deepEqual({ media_id: planned.media_id, speed: planned.speed }, { media_id: tones[2].id, speed: 1 });
    assert.ok(Math.abs(planned.ends_s - planned.boundary_s) < 0.001, "the next one begins where this one ends");
    await until(page, { status: "playing", media_id: tones[1].id });
    await holds(
      page,
      (since_ms) => /** @type {any} */ (window).heard.some((/** @type {any} */ [at_ms]) => at_ms > since_ms),
      Date.now() + 300,
    );
    // What was played before the second track belongs to another test.
    const blocks = await heard(page, since_ms);
    silences = gaps(blocks.filter(([at_ms]) => at_ms > Date.now() - 2_000));
    const isQuiet = await wasQuiet(since_ms, page);
    t.diagnostic(isQuiet ? "the machine was quiet" : "the machine was busy");
    if (isQuiet) break;
    silences = [];
  }
  t.diagnostic(`stretches without sound, ms: ${silences.map((gap) => gap.toFixed(1)).join() || "none above 6"}`);
  assert.ok(
    silences.every((gap) => gap <= 20),
    silences.join(),
  );
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("a queue of thousands is scrolled while the server is slow: each page is asked for once", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const { page, errors } = await open(browser, server, "Tower");
  /** @type {number[]} the first entries of the pages that were asked for */
  const asked = [];
  /** @type {(() => void)[] | undefined} answers that are held back */
  let held;
  let closed = 0;
  const isOfQueue = (/** @type {string | Buffer} */ message) => String(message).startsWith('{"type":"queue"');
  await page.routeWebSocket(/\/v1\/sync/, (socket) => {
    const beyond = socket.connectToServer();
    socket.onMessage((message) => {
      if (isOfQueue(message)) asked.push(JSON.parse(String(message)).from);
      beyond.send(message);
    });
    beyond.onMessage((message) => {
      if (held && isOfQueue(message)) held.push(() => socket.send(message));
      else socket.send(message);
    });
    beyond.onClose((code, reason) => {
      closed += 1;
      void socket.close({ code, reason });
    });
  });
  const many = Array.from({ length: 500 }, (_, index) => tones[index % 4].id);
  await command(page, { op: "play", tracks: many });
  await command(page, { op: "stop" });
  for (let part = 1; part < 5; part += 1) await command(page, { op: "queue.insert", tracks: many });
  await page.goto(`${server.url}/queue`);
  await welcomed(page);
  await page.getByRole("button", { name: "Play First tone" }).first().waitFor();
  asked.length = 0;
  held = [];
  await page.evaluate(async () => {
    const main = /** @type {HTMLElement} */ (document.querySelector("main"));
    const began_ms = performance.now();
    for (let share = 0; share < 1; share = (performance.now() - began_ms) / 3_000) {
      main.scrollTop = share * main.scrollHeight;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    main.scrollTop = main.scrollHeight;
  });
  for (const answer of held.splice(0)) answer();
  held = undefined;
  await page.locator(".row.track[aria-posinset='2500']").waitFor();
  await holds(page, () => document.querySelector("main .skeleton") === null);
  t.diagnostic(`${asked.length} questions for the 24 pages that were not there`);
  assert.ok(asked.length >= 5, "the list was not scrolled through");
  // A page that stays in view without an answer is asked for again after two seconds.
  assert.ok(asked.length <= 30, `${asked.length} questions: ${asked}`);
  assert.equal(closed, 0, "the server ended the socket");
  // A page whose answer is lost is asked for again, without any action by the user.
  held = [];
  await page.evaluate(async () => {
    const { session } = await import(/** @type {any} */ ("/player/session.js"));
    session.player.queue.pages.delete(0);
    session.player.queue.forgetAsked();
    /** @type {HTMLElement} */ (document.querySelector("main")).scrollTop = 0;
  });
  const give_up_ms = Date.now() + 20_000;
  while (held.length === 0 && Date.now() < give_up_ms)
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  assert.ok(held.length > 0, "it was not asked for");
  held = undefined;
  await page.locator(".row.track[aria-posinset='1']").waitFor();
  await command(page, { op: "queue.clear" });
  assert.deepEqual(errors, []);
});

/** @param {string} name of a tone @returns {Promise<string>} */
const fileOf = async (name) => path.join(await server.musicFolder("Tones"), `${name}.wav`);

/**
 * The page knows a track, as if it had been shown in a list.
 * @param {import("playwright-core").Page} page @param {string} media_id
 */
const learn = (page, media_id) =>
  page.evaluate(async (media_id) => {
    const { catalogue } = await import(/** @type {any} */ ("/player/catalogue.js"));
    catalogue.learn(await (await import(/** @type {any} */ ("/player/api.js"))).ask(`/tracks/${media_id}`));
  }, media_id);

test("a track whose file is replaced while the page is open plays before and after the rescan", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const token = await server.token();
  const { id } = tones[5];
  const addressOf = async () => new URL((await server.ask(token, `/tracks/${id}`)).audio_url).pathname;
  for (const [isScanned, seconds] of /** @type {const} */ ([
    [false, 21],
    [true, 22],
  ])) {
    // A page of a browser that has loaded no audio and has nothing playing.
    const { page, errors, context } = await open(browser, server, "Workshop");
    await learn(page, id);
    const known = await addressOf();
    await writeFile(await fileOf("Changed tone"), tone(0, seconds * RATE));
    if (isScanned) {
      await server.ask(token, "/library/scan", { method: "POST" });
      while ((await addressOf()) === known) await new Promise((resolve) => setImmediate(resolve));
    }
    const refused = page.waitForResponse(
      (response) => response.url().includes(known) && [404, 409].includes(response.status()),
    );
    await command(page, { op: "play", tracks: [id, tones[3].id] });
    const status = (await refused).status();
    assert.ok(status === 404 || !isScanned, `${status}`);
    await until(page, { status: "playing", media_id: id, isHere: true });
    const now = await page.evaluate(
      (id) =>
        import(/** @type {any} */ ("/player/catalogue.js")).then(
          ({ catalogue }) => new URL(catalogue.known(id).audio_url).pathname,
        ),
      id,
    );
    assert.equal(now, await addressOf(), "the address that was asked for anew is remembered");
    await command(page, { op: "stop" });
    assert.deepEqual(errors, []);
    await context.close();
  }
});

/** What happens to which of the tones, and how. @type {[string, number, () => Promise<unknown>][]} */
const SPOILT = [
  [
    "cannot be played by the browser",
    4,
    async () => {
      // Neither its size nor the time of its last change differs.
      const file = await fileOf("Long tone");
      const when = `${server.folder}/when`;
      execFileSync("touch", ["-r", file, when]);
      const written = await openFile(file, "r+");
      await written.write(Buffer.alloc(4_096), 0, 4_096, 0);
      await written.close();
      execFileSync("touch", ["-r", when, file]);
    },
  ],
  ["is gone", 6, async () => rm(await fileOf("Lost tone"))],
];

for (const [what, index, spoil] of SPOILT) {
  test(`a track of thirteen minutes that ${what} is skipped with a message, and the next one plays`, async (t) => {
    const browser = await launch();
    t.after(() => browser.close());
    const { page, errors } = await open(browser, server, "Barn");
    await learn(page, tones[index].id);
    await spoil();
    await command(page, { op: "play", tracks: [tones[index].id, tones[3].id] });
    await until(page, { status: "playing", media_id: tones[3].id, isHere: true });
    await page.getByText("Skipped a track that this tab cannot play.").waitFor();
    await command(page, { op: "stop" });
    assert.deepEqual(errors, []);
  });
}

test("the queue shows its entries, and removes, moves and plays them", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const { page, errors } = await open(browser, server, "Attic");
  const token = await server.token();
  const { items } = await server.ask(token, "/tracks?limit=6&offset=2");
  await command(page, { op: "play", tracks: items.map((/** @type {any} */ track) => track.id) });
  // A page that does not know these tracks yet.
  await page.goto(`${server.url}/queue`);
  await welcomed(page);
  const titles = page.locator(".row.track .title");
  const shows = (/** @type {number[]} */ order) =>
    holds(
      page,
      (names) =>
        JSON.stringify([...document.querySelectorAll(".row.track .title")].map((title) => title.textContent)) ===
        JSON.stringify(names),
      order.map((index) => items[index].name),
    );
  await shows([0, 1, 2, 3, 4, 5]);
  await page.getByRole("button", { name: `Move ${items[3].name}` }).focus();
  await page.keyboard.press("Alt+ArrowUp");
  await shows([0, 1, 3, 2, 4, 5]);
  // The focus moves with the row, so the next key press moves the row further.
  const hasFocus = () =>
    holds(
      page,
      (name) => document.activeElement?.getAttribute("aria-label")?.startsWith(`Move ${name}`),
      items[3].name,
    );
  await hasFocus();
  await page.keyboard.press("Alt+ArrowUp");
  await shows([0, 3, 1, 2, 4, 5]);
  await hasFocus();
  await page.keyboard.press("Alt+ArrowDown");
  await shows([0, 1, 3, 2, 4, 5]);
  await drag(page, items[2].name, -2);
  await shows([0, 2, 1, 3, 4, 5]);
  await drag(page, items[2].name, 2);
  await shows([0, 1, 3, 2, 4, 5]);
  await page.getByRole("button", { name: `More about ${items[4].name}` }).click({ force: true });
  await page.getByRole("menuitem", { name: "Remove from the queue" }).click();
  await shows([0, 1, 3, 2, 5]);
  await titles.nth(2).click();
  await until(page, { status: "playing", media_id: items[3].id, isHere: true });
  await page.getByRole("button", { name: "Clear" }).click();
  await shows([3]);
  assert.deepEqual(errors, []);
});

test("a playlist is reordered by dragging, on all devices and after reloading", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const token = await server.token();
  const { items } = await server.ask(token, "/tracks?limit=4&offset=2");
  const playlist = await server.ask(token, "/me/playlists", {
    method: "POST",
    body: JSON.stringify({ name: "Evening" }),
  });
  const uris = items.map((/** @type {any} */ track) => track.uri);
  await server.ask(token, `/playlists/${playlist.id}/tracks`, { method: "POST", body: JSON.stringify({ uris }) });
  const { page, errors } = await open(browser, server, "Study", { baseURL: server.url });
  await page.goto(`${server.url}/playlist/${playlist.id}`);
  const shows = (/** @type {number[]} */ order) =>
    holds(
      page,
      (names) =>
        JSON.stringify([...document.querySelectorAll(".row.track .title")].map((title) => title.textContent)) ===
        JSON.stringify(names),
      order.map((index) => items[index].name),
    );
  await shows([0, 1, 2, 3]);
  await drag(page, items[3].name, -2);
  await shows([0, 3, 1, 2]);
  await drag(page, items[0].name, 1);
  await shows([3, 0, 1, 2]);
  await page.reload();
  await shows([3, 0, 1, 2]);
  assert.deepEqual(errors, []);
});

/**
 * Drags the row of a track by its handle over a number of other rows, as a person does.
 * @param {import("playwright-core").Page} page @param {string} name @param {number} rows
 */
async function drag(page, name, rows) {
  const handle = page.getByRole("button", { name: `Move ${name}` });
  const box = await handle.boundingBox();
  const height = (await page.locator(".row.track").first().boundingBox())?.height ?? 0;
  assert.ok(box && height > 20);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x, y + (rows * height) / 2, { steps: 4 });
  await page.mouse.move(x, y + rows * height, { steps: 4 });
  await page.mouse.up();
}

for (const [where, addressOf] of ORIGINS) {
  test(`T71: a browser that allows no sound before a click says so, and plays after it: ${where}`, async (t) => {
    // The page of the run before may still be listed.
    const bedroom = `Bedroom ${where}`;
    const browser = await launch("waits for a click");
    t.after(() => browser.close());
    const remote = await open(browser, server, "Remote", { baseURL: addressOf(server) });
    // Playwright's `evaluate` counts as a user action in a page, so nothing is evaluated until it has to play.
    const silent = await opened(browser, server, bedroom, { baseURL: addressOf(server) });
    await remote.page.goto(`${addressOf(server)}/devices`);
    await remote.page.getByText(bedroom, { exact: true }).first().waitFor();
    const own = (await devices(remote.page)).find((/** @type {any} */ device) => device.name === bedroom).id;
    await command(remote.page, { op: "play", tracks: [tones[2].id], on: own });
    await until(remote.page, { status: "blocked", active: bedroom });
    await remote.page.getByText(`${bedroom} waits for a click`).waitFor();
    await silent.page.getByRole("button", { name: "Play here" }).click();
    await until(remote.page, { status: "playing", active: bedroom });
    assert.deepEqual([...silent.errors, ...remote.errors], []);
  });
}

test("over plain HTTP from another machine it plays, moves and controls, and says what needs HTTPS", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const baseURL = ORIGINS[1][1](server);
  const far = await open(browser, server, "Garage", { baseURL, serviceWorkers: "allow" });
  const near = await open(browser, server, "Porch");
  assert.equal(await far.page.evaluate(() => isSecureContext), false);
  await command(far.page, { op: "play", tracks: [tones[2].id] });
  await until(near.page, { status: "playing", active: "Garage" });
  await far.page.locator("player-bar .where").click();
  await far.page.getByRole("button", { name: "Move the music to Porch" }).click();
  await until(far.page, { status: "playing", active: "Porch" });
  await command(far.page, { op: "pause" });
  await until(near.page, { intent: "pause" });
  await far.page.goto(`${baseURL}/settings`);
  await far.page.getByText("Some things need HTTPS").waitFor();
  await far.page
    .getByText(
      "Keeping music for offline use, opening the player without the server and installing it as an app need HTTPS",
    )
    .waitFor();
  assert.deepEqual([...far.errors, ...near.errors], []);
});

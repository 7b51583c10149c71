/** What changes elsewhere is shown here; long lists are played whole; names of tabs; a lost server is tried again. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { command, devices, holds, launch, open, until } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** @import {Page} from "playwright-core" */

/** The entries of a playlist that is longer than what one command may name. */
const LONG = 1_200;

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tones;
/** @type {string} */ let token;

before(async () => {
  server = await Server.start();
  tones = await server.addTones([
    { name: "First tone", seconds: 60 },
    { name: "Second tone", seconds: 60 },
    { name: "Third tone", seconds: 60 },
  ]);
  token = await server.token();
  browser = await launch();
});

// The next test needs a running server and nobody playing, however this one ended.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  if (!server.process) await server.run();
  await server.ask(token, `/me/tracks?ids=${tones.map(({ id }) => id).join()}`, { method: "DELETE" });
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Shows another view without loading the page again. @param {Page} page @param {string} path */
const go = (page, path) =>
  page.evaluate((path) => import(/** @type {any} */ ("/player/routes.js")).then(({ routes }) => routes.go(path)), path);

/** The number of entries of the queue, as the page is shown it. @param {Page} page @param {number} length */
const hasQueue = (page, length) =>
  holds(
    page,
    (length) =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback.queue_length === length),
    length,
  );

/** A new playlist of so many entries: the three tones in turn. @param {string} name @param {number} length */
async function playlist(name, length) {
  const made = await server.ask(token, "/me/playlists", { method: "POST", body: JSON.stringify({ name }) });
  const uris = Array.from({ length }, (_, index) => tones[index % 3].uri);
  for (let at = 0; at < length; at += 100) {
    const body = JSON.stringify({ uris: uris.slice(at, at + 100) });
    await server.ask(token, `/playlists/${made.id}/tracks`, { method: "POST", body });
  }
  return made;
}

test("Play, Shuffle and a row of a long list take all of it, by one command and no other request", async () => {
  const { id } = await playlist("Long", LONG);
  const { page, errors } = await open(browser, server, "Hall");
  /** @type {any[]} */
  const commands = [];
  /** @type {string[]} */
  const requests = [];
  await page.exposeFunction("sentCommand", (/** @type {any} */ frame) => commands.push(frame));
  await page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => {
      const { socket } = session.player;
      const send = socket.send.bind(socket);
      socket.send = (/** @type {any} */ frame) => {
        if (frame.type === "command") /** @type {any} */ (window).sentCommand(frame);
        send(frame);
      };
    }),
  );
  await go(page, `/playlist/${id}`);
  const hero = page.locator(".hero");
  await hero.getByRole("button", { name: "Shuffle", exact: true }).waitFor();
  page.on("request", (request) => {
    if (request.url().includes(`/playlists/${id}/tracks`)) requests.push(request.url());
  });
  await hero.getByRole("button", { name: "Shuffle", exact: true }).click();
  await hasQueue(page, LONG);
  await until(page, { status: "playing" });
  await page.locator("player-bar").getByRole("button", { name: "Shuffle", pressed: true }).waitFor();
  await command(page, { op: "queue.clear" });
  await command(page, { op: "shuffle", on: false });
  await hasQueue(page, 1);
  await hero.getByRole("button", { name: "Play", exact: true }).click();
  await hasQueue(page, LONG);
  await until(page, { media_id: tones[0].id });
  await command(page, { op: "queue.clear" });
  await hasQueue(page, 1);
  await page.getByRole("button", { name: "Play Third tone" }).first().click();
  await hasQueue(page, LONG);
  await until(page, { media_id: tones[2].id });
  const lists = commands.filter(({ op }) => op === "play.list");
  assert.deepEqual(
    lists.map(({ list, start, shuffle }) => ({ list, start, shuffle })),
    [
      { list: { of: "playlist", id }, shuffle: true, start: undefined },
      { list: { of: "playlist", id }, shuffle: undefined, start: 0 },
      { list: { of: "playlist", id }, shuffle: undefined, start: 2 },
    ],
  );
  assert.deepEqual(requests, [], "the tracks are not read for it");
  assert.ok(
    commands.every(({ tracks }) => tracks === undefined),
    "and not sent",
  );
  assert.deepEqual(errors, []);
});

test("the button of a card takes all of a long list", async () => {
  await playlist("Long card", 501);
  const { page, errors } = await open(browser, server, "Hall");
  await go(page, "/playlists");
  await page.getByRole("button", { name: "Play Long card" }).click();
  await hasQueue(page, 501);
  await until(page, { status: "playing", media_id: tones[0].id });
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("a long list is put into the queue whole, after the current track or at the end, up to a full queue", async () => {
  const { id } = await playlist("Longer", 1_100);
  const { page, errors } = await open(browser, server, "Hall");
  await command(page, { op: "play", tracks: [tones[2].id] });
  await until(page, { status: "playing" });
  await go(page, `/playlist/${id}`);
  const add = async (/** @type {string} */ label) => {
    await page.getByRole("button", { name: "More about Longer" }).click();
    await page.getByRole("menuitem", { name: label, exact: true }).click();
  };
  await add("Add to queue");
  await hasQueue(page, 1_101);
  await add("Play next");
  await hasQueue(page, 2_201);
  const { queue } = await server.ask(token, "/me/player/queue?limit=50&offset=0");
  assert.deepEqual(
    queue.slice(0, 4).map((/** @type {any} */ track) => track.id),
    [0, 1, 2, 0].map((index) => tones[index].id),
  );
  for (const length of [4_401, 6_601, 8_801]) {
    await add("Add to queue");
    await hasQueue(page, length - 1_100);
    await add("Add to queue");
    await hasQueue(page, length);
  }
  await add("Add to queue");
  await hasQueue(page, 9_901);
  await add("Add to queue");
  await page.getByText("The first 99 of 1,100 tracks were added to the queue.").waitFor();
  await hasQueue(page, 10_000);
  await add("Add to queue");
  await page.getByText("The queue is full: it holds 10,000 tracks.").waitFor();
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("a heart that is set elsewhere shows at once, and after an interruption what was missed", async () => {
  const { page, errors } = await open(browser, server, "Hall");
  const other = await open(browser, server, "Study");
  for (const each of [page, other.page]) {
    await go(each, `/album/${tones[0].album.id}`);
    await each.getByRole("button", { name: "Save First tone" }).waitFor({ state: "attached" });
  }
  await other.page.getByRole("button", { name: "Save First tone" }).click({ force: true });
  await page.getByRole("button", { name: "Remove First tone from saved" }).waitFor({ state: "attached" });
  // By a program, in the words of the Spotify Web API.
  await server.ask(token, `/me/library?uris=spotify:track:${tones[1].id}`, { method: "PUT" });
  for (const each of [page, other.page]) {
    await each.getByRole("button", { name: "Remove Second tone from saved" }).waitFor({ state: "attached" });
  }
  // The page loses its socket, and cannot connect again until the change was made.
  await page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => {
      const { player } = session;
      const { connect } = player.socket;
      Object.assign(window, { comeBack: () => Object.assign(player.socket, { connect }).connect() });
      player.socket.connect = () => undefined;
      player.socket.disconnect();
      player.handle({ type: "closed", code: 1006 });
    }),
  );
  await server.ask(token, `/me/tracks?ids=${tones[0].id}`, { method: "DELETE" });
  await other.page.getByRole("button", { name: "Save First tone" }).waitFor({ state: "attached" });
  await page.evaluate(() => /** @type {any} */ (window).comeBack());
  await page.getByRole("button", { name: "Save First tone" }).waitFor({ state: "attached" });
  await server.ask(token, `/me/tracks?ids=${tones[1].id}`, { method: "DELETE" });
  assert.deepEqual([...errors, ...other.errors], []);
});

test("the views of saved tracks and of playlists follow what is changed elsewhere", async () => {
  const { page, errors } = await open(browser, server, "Hall");
  await go(page, "/saved");
  await page.getByText("Nothing is saved yet.").waitFor();
  await server.ask(token, `/me/tracks?ids=${tones[2].id}`, { method: "PUT" });
  await page.getByRole("button", { name: "Play Third tone" }).waitFor();
  await server.ask(token, `/me/tracks?ids=${tones[2].id}`, { method: "DELETE" });
  await page.getByText("Nothing is saved yet.").waitFor();
  await go(page, "/playlists");
  const { id } = await playlist("Made elsewhere", 1);
  await page.getByText("Made elsewhere").waitFor();
  await go(page, `/playlist/${id}`);
  await page.getByRole("button", { name: "Play First tone" }).waitFor();
  const body = JSON.stringify({ uris: [tones[1].uri] });
  await server.ask(token, `/playlists/${id}/tracks`, { method: "POST", body });
  await page.getByRole("button", { name: "Play Second tone" }).waitFor();
  assert.deepEqual(errors, []);
});

test("all tracks and the saved ones have Play, Shuffle and a menu, and take the whole list", async () => {
  await server.ask(token, `/me/tracks?ids=${tones.map(({ id }) => id).join()}`, { method: "PUT" });
  const { total } = await server.ask(token, "/tracks?limit=1");
  const { page, errors } = await open(browser, server, "Hall");
  for (const [address, name, length] of [
    ["/tracks", "Tracks", total],
    ["/saved", "Saved tracks", 3],
  ]) {
    await command(page, { op: "play", tracks: [tones[0].id] });
    await go(page, address);
    const head = page.locator("main .head");
    await head.getByRole("button", { name: "Shuffle", exact: true }).click();
    await hasQueue(page, length);
    await holds(page, () =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback.shuffle === true),
    );
    await command(page, { op: "shuffle", on: false });
    await head.getByRole("button", { name: `More about ${name}` }).click();
    await page.getByRole("menuitem", { name: "Add to queue" }).click();
    await hasQueue(page, 2 * length);
  }
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("a playlist that is filled, renamed and deleted elsewhere is shown so", async () => {
  const { id } = await playlist("Old name", 0);
  const { page, errors } = await open(browser, server, "Hall");
  await go(page, `/playlist/${id}`);
  const button = (/** @type {string} */ name) => page.locator(".hero").getByRole("button", { name, exact: true });
  await button("Play").waitFor();
  assert.deepEqual([await button("Play").isDisabled(), await button("Shuffle").isDisabled()], [true, true]);
  const body = JSON.stringify({ uris: [tones[1].uri] });
  await server.ask(token, `/playlists/${id}/tracks`, { method: "POST", body });
  await holds(page, () =>
    [.../** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".hero button"))].every(
      ({ disabled }) => !disabled,
    ),
  );
  await server.ask(token, `/playlists/${id}`, { method: "PUT", body: JSON.stringify({ name: "New name" }) });
  await page.getByRole("heading", { level: 1, name: "New name" }).waitFor();
  await holds(page, () => document.title === "New name · Segue");
  await button("More about New name").waitFor();
  await server.ask(token, `/playlists/${id}`, { method: "DELETE" });
  await page.getByText("This playlist was deleted.").waitFor();
  await page.getByRole("heading", { level: 1, name: "Not found" }).waitFor();
  assert.equal(await page.locator(".row.track").count(), 0);
  assert.deepEqual(errors, []);
});

test("a heart that is pressed twice ends as it was pressed last, whatever is heard of it meanwhile", async () => {
  const { page, errors } = await open(browser, server, "Hall");
  await go(page, `/album/${tones[0].album.id}`);
  await page.getByRole("button", { name: "Save First tone" }).click({ force: true });
  await page.getByRole("button", { name: "Remove First tone from saved" }).click({ force: true });
  await holds(page, () =>
    import(/** @type {any} */ ("/player/catalogue.js")).then(
      ({ catalogue }) => catalogue.doubted.size === 0 && catalogue.askedSaved.size === 0,
    ),
  );
  await page.getByRole("button", { name: "Save First tone" }).waitFor({ state: "attached" });
  const [isSaved] = await server.ask(token, `/me/tracks/contains?ids=${tones[0].id}`);
  assert.equal(isSaved, false);
  assert.deepEqual(errors, []);
});

test("two tabs of one browser have names that differ", async () => {
  const { page, context } = await open(browser, server, "");
  const second = await context.newPage();
  await second.goto(server.url);
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.devices.length === 2),
  );
  const names = (await devices(page)).map(({ name }) => name);
  assert.equal(names[1], `${names[0]} (2)`);
});

test("while the server is away the next attempt is near, and “Try now” makes it at once", async () => {
  const { page, errors } = await open(browser, server, "Hall");
  await server.stop();
  const button = page.getByRole("button", { name: "Try now" });
  await button.waitFor();
  // However many attempts have failed.
  const wait_ms = await page.evaluate(async () => {
    const { session } = await import(/** @type {any} */ ("/player/session.js"));
    const { localNow } = await import(/** @type {any} */ ("/player/audio/moments.js"));
    const { player } = session;
    player.client.link.failed_attempts = 20;
    player.handle({ type: "closed", code: 1006 });
    const wait_ms = (player.client.link.since_us - localNow()) / 1000;
    // The next attempt by itself would be in an hour.
    player.client.link.since_us += 3_600_000_000;
    player.ticks.plan();
    return wait_ms;
  });
  assert.ok(wait_ms <= 5_000, `${wait_ms}`);
  await server.run();
  await button.click();
  await until(page, { link: "up" });
  await page.locator(".banner").waitFor({ state: "hidden" });
  assert.deepEqual(errors, []);
});

test("for a device that is out of reach Play is offered, and the button does what it showed when pressed", async () => {
  const hall = await open(browser, server, "Hall");
  const { page, errors } = await open(browser, server, "Study");
  await command(hall.page, { op: "play", tracks: [tones[0].id] });
  await until(page, { status: "playing", active: "Hall" });
  const bar = page.locator("player-bar");
  await bar.getByRole("button", { name: "Pause", exact: true }).waitFor();
  await hall.page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => {
      const { player } = session;
      const { connect } = player.socket;
      Object.assign(window, { comeBack: () => Object.assign(player.socket, { connect }).connect() });
      player.socket.connect = () => undefined;
      player.socket.disconnect();
      player.handle({ type: "closed", code: 1006 });
    }),
  );
  await until(page, { status: "lost" });
  const play = bar.getByRole("button", { name: "Play", exact: true });
  await play.waitFor();
  // It is pressed while the device is lost, and released when that has come back.
  await play.hover();
  await page.mouse.down();
  await hall.page.evaluate(() => /** @type {any} */ (window).comeBack());
  await bar.getByRole("button", { name: "Pause", exact: true }).waitFor();
  await page.mouse.up();
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(
      ({ session }) => session.current.client.pendingCommands.waiting.length === 0,
    ),
  );
  await until(page, { status: "playing", intent: "play", active: "Hall" });
  assert.deepEqual([...hall.errors, ...errors], []);
});

/** Tabs as people have them: several, hidden, asleep, renamed, forgotten, cut off from the network. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  audible,
  devices,
  heard,
  holds,
  launch,
  loggedIn,
  open,
  opened,
  shown,
  until,
  welcomed,
  command,
} from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { Window } from "./harness/tabs.js";

/** @import {Page} from "playwright-core" */

/**
 * How long a tab is hidden: 15 minutes with `LONG=1`. Browsers run the timers of a hidden page once a minute after five
 * minutes; in the short form after five seconds, and the tab stays hidden until that has happened.
 */
const HIDDEN_MS = process.env.LONG ? 15 * 60_000 : 0;
const SOONER = process.env.LONG ? [] : ["--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5"];
/** A timer of one second that came this late was run once a minute, in milliseconds. */
const LATE_MS = 30_000;

/** Counts a page's sockets and goodbyes, and measures how late a timer of one second comes. */
const WITNESS = `
  window.sockets = [];
  window.late_ms = [];
  const RealSocket = WebSocket;
  window.WebSocket = class extends RealSocket {
    constructor(...given) {
      super(...given);
      const socket = { lists: 0, isOpen: true };
      window.sockets.push(socket);
      this.addEventListener("message", ({ data }) => { socket.lists += data.startsWith('{"type":"devices"'); });
      this.addEventListener("close", () => { socket.isOpen = false; });
    }
  };
  let last = performance.now();
  setInterval(() => { window.late_ms.push(performance.now() - last - 1000); last = performance.now(); }, 1000);`;

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof open>>} */ let kitchen;
/** @type {Window} */ let window;
/** @type {import("./harness/tabs.js").Tab} */ let hidden;
/** @type {any[]} */ let tones;
let hidden_ms = 0;

before(async () => {
  server = await Server.start();
  tones = await server.addTones([
    { name: "Long tone", seconds: 240 },
    { name: "Other tone", seconds: 60 },
    { name: "Very long tone", seconds: 13 * 60 },
  ]);
  browser = await launch();
  kitchen = await open(browser, server, "Kitchen");
  window = await Window.open(...SOONER);
  hidden = await window.tab(
    server.url,
    `${await loggedIn(server, "Hidden")}; if (location.protocol !== "about:") { ${WITNESS} }`,
  );
  await hidden.holds("Boolean(document.querySelector('player-bar'))");
  await hidden.holds("import('/player/session.js').then(({ session }) => session.link === 'up')");
  // From here on each presence of it that another device is shown is recorded.
  await kitchen.page.evaluate(async () => {
    const { session } = await import(/** @type {any} */ ("/player/session.js"));
    /** @type {any} */ (globalThis).seen = new Set();
    session.watch(() => {
      const tab = session.devices.find((/** @type {any} */ device) => device.name === "Hidden");
      /** @type {any} */ (globalThis).seen.add(tab ? `${tab.id} ${tab.presence} ${tab.since_us}` : "nowhere");
    });
    session.changed();
  });
  await command(kitchen.page, { op: "play", tracks: [tones[0].id] });
  await command(kitchen.page, { op: "repeat", mode: "one" });
  await until(kitchen.page, { status: "playing", isHere: true });
  await window.tab("about:blank");
  await hidden.holds("document.visibilityState === 'hidden'");
  hidden_ms = Date.now();
});

after(async () => {
  await window?.close();
  await browser?.close();
  await server?.end();
});

/** @param {Page} page */
const ownId = async (page) => (await shown(page)).own;

test("a page that is loaded again before the server has answered leaves no device behind", async () => {
  const { page, context, errors } = await opened(browser, server, "Hasty");
  for (let times = 0; times < 8; times += 1) await page.reload();
  await welcomed(page);
  const own = await ownId(page);
  const isOnline = (/** @type {string} */ own) =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) =>
      session.devices.some((/** @type {any} */ { id, presence }) => id === own && presence === "online"),
    );
  await holds(kitchen.page, isOnline, own);
  const listed = (await devices(kitchen.page)).filter(({ name }) => name.startsWith("Hasty"));
  assert.deepEqual(
    listed.map(({ id }) => id),
    [own],
  );
  assert.deepEqual(errors, []);
  await context.close();
});

test("several tabs of one browser are several devices, also a copied tab", async () => {
  const { context, page, errors } = await open(browser, server, "Sofa");
  const [second] = await Promise.all([
    context.waitForEvent("page"),
    page.evaluate(() => void globalThis.open(location.href)),
  ]);
  await welcomed(second);
  const third = await context.newPage();
  await third.goto(server.url);
  await welcomed(third);
  const ids = [await ownId(page), await ownId(second), await ownId(third)];
  assert.equal(new Set(ids).size, 3, `${ids}`);
  await holds(kitchen.page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) =>
      ["Sofa", "Sofa (2)", "Sofa (3)"].every((name) =>
        session.devices.some((/** @type {any} */ device) => device.name === name),
      ),
    ),
  );
  await command(kitchen.page, { op: "transfer", to: ids[1], mode: "keep" });
  await until(second, { status: "playing", isHere: true });
  assert.equal((await shown(page)).audio, "silent");
  assert.equal((await shown(third)).audio, "silent");
  await second.reload();
  await welcomed(second);
  assert.equal(await ownId(second), ids[1], "a page that is loaded again is the same device");
  // T74: it may play sound, and what it played is still there; only a person starts it again.
  await command(kitchen.page, { op: "seek", position_ms: 30_000 });
  await holds(
    second,
    () =>
      performance.now() > 3_000 &&
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player.place_ms() === 30_000),
  );
  const { media_id, intent, audio } = await shown(second);
  assert.deepEqual({ media_id, intent, audio }, { media_id: tones[0].id, intent: "pause", audio: "silent" });
  assert.equal(
    await second.evaluate(() =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.current.client.lease()),
    ),
    undefined,
  );
  assert.deepEqual(audible(await heard(second)), []);
  await command(kitchen.page, { op: "play", on: await ownId(kitchen.page) });
  await until(kitchen.page, { status: "playing", isHere: true });
  await context.close();
  assert.deepEqual(errors, []);
});

test("logging out stops everything here; after logging in it is the same device again", async () => {
  const { context, page, errors } = await open(browser, server, "Hammock");
  await context.addInitScript(() => {
    /** @type {any} */ (window).contexts = [];
    const Real = AudioContext;
    /** @type {any} */ (window).AudioContext = class extends Real {
      /** @param {AudioContextOptions} options */
      constructor(options) {
        super(options);
        /** @type {any} */ (window).contexts.push(this);
      }
    };
  });
  // After it is loaded again, a tab holds the lock of its device.
  await page.reload();
  await welcomed(page);
  const own = await ownId(page);
  const claims = () =>
    page.evaluate(async () =>
      ((await navigator.locks.query()).held ?? [])
        .map(({ name }) => name)
        .filter((name) => name?.startsWith("segue-device-")),
    );
  assert.deepEqual(await claims(), [`segue-device-${own}`]);
  await command(page, { op: "play", tracks: [tones[1].id], on: own });
  await until(page, { status: "playing", isHere: true });
  const login = await page.evaluate(async () => {
    const { store } = await import(/** @type {any} */ ("/player/store.js"));
    const login = store.session;
    store.setSession(undefined);
    return login;
  });
  await holds(page, () => {
    const { contexts } = /** @type {any} */ (window);
    return contexts.length > 0 && contexts.every((/** @type {AudioContext} */ { state }) => state === "closed");
  });
  assert.deepEqual(await claims(), [], "the id is free");
  /** @param {any} login */
  const logIn = (login) =>
    page.evaluate(
      async (login) => (await import(/** @type {any} */ ("/player/store.js"))).store.setSession(login),
      login,
    );
  await logIn(login);
  await welcomed(page);
  assert.equal(await ownId(page), own);
  assert.deepEqual(await claims(), [`segue-device-${own}`]);

  // The user logs out while the page still waits for its id.
  await logIn(undefined);
  await page.evaluate(
    (own) =>
      new Promise((held) => void navigator.locks.request(`segue-device-${own}`, () => new Promise(() => held(0)))),
    own,
  );
  const isNobody = await page.evaluate(async (login) => {
    const { store } = await import(/** @type {any} */ ("/player/store.js"));
    const { session } = await import(/** @type {any} */ ("/player/session.js"));
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    store.setSession(login);
    while (!session.isStarting) await frame();
    store.setSession(undefined);
    while (session.isStarting) await frame();
    await frame();
    return session.player === undefined;
  }, login);
  assert.ok(isNobody, "there is a player of a login that has ended");
  await command(kitchen.page, { op: "play", tracks: [tones[0].id], on: await ownId(kitchen.page) });
  await until(kitchen.page, { status: "playing", isHere: true });
  await context.close();
  assert.deepEqual(errors, []);
});

test("a device is renamed for everybody, and a forgotten one leaves the list until it is loaded again", async () => {
  const { context, page, errors } = await open(browser, server, "Balcony");
  await kitchen.page.getByRole("navigation").getByRole("link", { name: "Devices" }).click();
  const menu = async (/** @type {string} */ name, /** @type {string} */ entry) => {
    await kitchen.page.getByRole("button", { name: `More about ${name}` }).click();
    await kitchen.page.getByRole("menuitem", { name: entry }).click();
  };
  await menu("Balcony", "Rename…");
  await kitchen.page.getByRole("textbox", { name: "Name" }).fill("Terrace");
  await kitchen.page.getByRole("button", { name: "Rename", exact: true }).click();
  await holds(page, () =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) =>
      session.devices.some((/** @type {any} */ { id, name }) => id === session.ownId && name === "Terrace"),
    ),
  );
  await page.reload();
  await welcomed(page);
  assert.ok(
    (await devices(page)).some(({ name }) => name === "Terrace"),
    "the name given here wins over the tab's own",
  );
  await menu("Terrace", "Forget…");
  await kitchen.page.getByRole("button", { name: "Forget", exact: true }).click();
  await page.getByText("This device was removed from the list.").waitFor();
  await kitchen.page.getByText("Terrace").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Connect again" }).click();
  await welcomed(page);
  await context.close();
  assert.deepEqual(errors, []);
});

// A track that is decoded whole, and one that is too long for that.
for (const [index, what] of /** @type {const} */ ([
  [1, "a minute"],
  [2, "thirteen minutes"],
])) {
  test(`a media address that has expired is renewed, and the track plays (${what})`, async () => {
    const tone = tones[index];
    const { context, page, errors } = await open(browser, server, "Office");
    const refused = page.waitForResponse((response) => response.url().includes("/media/") && response.status() === 403);
    await page.evaluate(async (media_id) => {
      const { catalogue } = await import(/** @type {any} */ ("/player/catalogue.js"));
      catalogue.learn(await (await import(/** @type {any} */ ("/player/api.js"))).ask(`/tracks/${media_id}`));
      const track = catalogue.known(media_id);
      const url = new URL(track.audio_url, location.href);
      for (const [name, value] of [...url.searchParams])
        if (/^\d+$/.test(value)) url.searchParams.set(name, "1000000000");
      if (url.href === new URL(track.audio_url, location.href).href) throw new Error(`there is no instant in ${url}`);
      track.audio_url = url.href;
    }, tone.id);
    await command(page, { op: "play", tracks: [tone.id], on: await ownId(page) });
    await refused;
    await until(page, { status: "playing", isHere: true, media_id: tone.id });
    await command(kitchen.page, { op: "play", tracks: [tones[0].id], on: await ownId(kitchen.page) });
    await until(kitchen.page, { status: "playing", isHere: true });
    await context.close();
    assert.deepEqual(errors, []);
  });
}

test("a network that loses everything for a while is not heard, and the page recovers by itself", async () => {
  const { page } = kitchen;
  // Its bytes are loaded: it plays on.
  await holds(
    page,
    (media_id) =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) =>
        session.current.engine.loader.bytesOf.has(media_id),
      ),
    tones[0].id,
  );
  const before = await shown(page);
  const since_ms = Date.now();
  await server.freeze();
  try {
    await page.getByText("No connection to the server").waitFor();
    assert.equal((await shown(page)).audio, "sounding");
  } finally {
    server.thaw();
  }
  await until(page, { link: "up", status: "playing", isHere: true });
  const now = await shown(page);
  const jump_ms = now.place_ms - before.place_ms - (now.at_us - before.at_us) / 1000;
  assert.ok(Math.abs(jump_ms) <= 100, `jumped by ${jump_ms} ms`);
  const loud = (await heard(page, since_ms)).filter(([, peak]) => peak > 0.1);
  assert.ok(loud.length > 1_000, `it was heard in ${loud.length} blocks`);
  assert.equal((await shown(page)).names.filter((/** @type {string} */ name) => name === "Kitchen").length, 1);
});

test("a device that slept while another took over wakes silent, as the same device, and repeats nothing", async (t) => {
  const sleeper = await Window.open();
  t.after(() => sleeper.close());
  const tab = await sleeper.tab(server.url, await loggedIn(server, "Laptop"));
  await tab.holds("Boolean(document.querySelector('player-bar'))");
  await tab.holds("import('/player/session.js').then(({ session }) => session.link === 'up')");
  const own = await tab.evaluate("import('/player/session.js').then(({ session }) => session.ownId)");
  await command(kitchen.page, { op: "transfer", to: own, mode: "play" });
  await until(kitchen.page, { status: "playing", active: "Laptop" });
  sleeper.sleep();
  await until(kitchen.page, { status: "lost" });
  await command(kitchen.page, { op: "play", on: await ownId(kitchen.page) });
  await until(kitchen.page, { status: "playing", isHere: true });
  const { revision } = await kitchen.page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback),
  );
  sleeper.wake();
  await tab.holds(
    "import('/player/session.js').then(({ session }) => session.link === 'up' && session.active?.name === 'Kitchen' " +
      "&& session.current.client.audio.kind === 'silent')",
  );
  assert.equal(
    await tab.evaluate("import('/player/session.js').then(({ session }) => session.ownId)"),
    own,
    "the same device",
  );
  const after = await kitchen.page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => ({
      revision: session.playback.revision,
      status: session.playback.status,
      isHere: session.active?.id === session.ownId,
    })),
  );
  assert.deepEqual({ ...after, revision }, { revision, status: "playing", isHere: true });
  assert.equal((await devices(kitchen.page)).filter(({ name }) => name === "Laptop").length, 1);
  await tab.evaluate("document.querySelector('player-bar [aria-label=Pause]').click()");
  await until(kitchen.page, { status: "paused" });
  await command(kitchen.page, { op: "play" });
  await until(kitchen.page, { status: "playing", isHere: true });
});

test("T54: a tab that is hidden for long stays connected, and controls when it is seen again", async (t) => {
  assert.equal(await hidden.evaluate("document.visibilityState"), "hidden");
  const isOver = `late_ms.some((late) => late > ${LATE_MS}) && Date.now() >= ${hidden_ms + HIDDEN_MS}`;
  await hidden.evaluate(
    `new Promise((resolve) => { const look = () => (${isOver} ? resolve(0) : setTimeout(look, 1000)); look(); })`,
  );
  const late_ms = await hidden.evaluate("Math.max(...late_ms)");
  const minutes = ((Date.now() - hidden_ms) / 60_000).toFixed(1);
  const late = (late_ms / 1000).toFixed(0);
  t.diagnostic(`hidden for ${minutes} minutes; its timer of a second came up to ${late} s late`);
  assert.deepEqual(
    await hidden.evaluate("sockets.map(({ isOpen }) => isOpen)"),
    [true],
    "one socket from the first to the last",
  );
  const seen = await kitchen.page.evaluate(() => Array.from(/** @type {any} */ (globalThis).seen ?? []));
  await hidden.show();
  await hidden.holds("document.visibilityState === 'visible'");
  const [there, here] = [
    await hidden.evaluate(
      "import('/player/session.js').then(async ({ session }) => { " +
        "const { localNow } = await import('/player/audio/moments.js'); " +
        "const { client } = session.current; " +
        "const local_us = localNow(); " +
        "return { at_us: client.time.at(local_us), place_ms: client.positionAt(local_us) }; })",
    ),
    await shown(kitchen.page),
  ];
  const apart_ms = there.place_ms - here.place_ms - (there.at_us - here.at_us) / 1000;
  t.diagnostic(`shown places apart: ${apart_ms.toFixed(1)} ms`);
  assert.ok(Math.abs(apart_ms) <= 50, `${apart_ms}`);
  await hidden.evaluate("document.querySelector('player-bar [aria-label=Pause]').click()");
  await until(kitchen.page, { status: "paused", intent: "pause" });
  assert.deepEqual(await hidden.evaluate("sockets.map(({ isOpen }) => isOpen)"), [true], "still the same socket");
  assert.equal(seen.length, 1, `another device saw it as ${seen.join("; ")}`);
  assert.ok(/ online /.test(seen[0]), seen[0]);
  assert.deepEqual(kitchen.errors, []);
});

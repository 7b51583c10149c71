/**
 * What people do by hand: playlists, saved tracks, the bar, devices and their volume, media keys; and the messages that
 * they see.
 */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { devices, holds, launch, open, shown, until, welcomed, command } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** @import {Page} from "playwright-core" */

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {any[]} */ let tones;

before(async () => {
  server = await Server.start();
  tones = await server.addTones([
    { name: "First tone", seconds: 60 },
    { name: "Second tone", seconds: 60 },
    { name: "Third tone", seconds: 60 },
  ]);
  browser = await launch();
});

// The next test must find nobody playing, however this one ended.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** @param {Page} page @param {string} name */
const to = (page, name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();

/** Waits until the list shows these tracks. @param {Page} page @param {string[]} names */
const lists = (page, names) =>
  holds(
    page,
    (names) =>
      JSON.stringify([...document.querySelectorAll(".row.track .title")].map((title) => title.textContent)) ===
      JSON.stringify(names),
    names,
  );

/** @param {Page} page @param {string} track @param {string} entry */
async function choose(page, track, entry) {
  await page.getByRole("button", { name: `More about ${track}`, exact: true }).click({ force: true });
  await page.getByRole("menuitem", { name: entry, exact: true }).click();
}

/** The tones in the order in which the search lists them. @param {Page} page */
async function findTones(page) {
  await to(page, "Search");
  await page.getByRole("searchbox", { name: "Search" }).fill("tone");
  await page.getByRole("button", { name: "Play Third tone" }).waitFor();
}

/**
 * From the beginning of a track: later in it, "previous" starts the same track again.
 * @param {Page} page @param {() => Promise<unknown>} press
 */
async function goBack(page, press) {
  await command(page, { op: "pause" });
  await until(page, { status: "paused" });
  await command(page, { op: "seek", position_ms: 0 });
  await press();
  await until(page, { status: "paused", media_id: tones[0].id });
  await command(page, { op: "play" });
  await until(page, { status: "playing", media_id: tones[0].id });
}

test("a playlist is made, filled, put in order by the keyboard, renamed, played and deleted", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await to(page, "Playlists");
  await page.getByText("No playlists yet.").waitFor();
  await page.getByRole("button", { name: "New playlist" }).click();
  await page.keyboard.type("Morning");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Morning" }).waitFor();
  await page.getByText("No tracks yet.").waitFor();
  await page.getByRole("link", { name: "All tracks" }).click();
  await page.getByRole("heading", { level: 1, name: "Tracks" }).waitFor();
  await findTones(page);
  for (const tone of ["First tone", "Second tone", "Third tone"]) {
    await choose(page, tone, "Add to playlist…");
    await page.getByRole("dialog").getByLabel("Playlist").selectOption("Morning");
    await page.getByRole("dialog").getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("Added to the playlist.").last().waitFor();
    await page.locator(".toast").last().waitFor({ state: "detached" });
  }
  await to(page, "Playlists");
  await page.getByText("3 tracks").waitFor();
  await page.getByRole("link", { name: "Morning" }).click();
  await lists(page, ["First tone", "Second tone", "Third tone"]);
  await page.getByRole("button", { name: "Move Third tone" }).focus();
  await page.keyboard.press("Alt+ArrowUp");
  await lists(page, ["First tone", "Third tone", "Second tone"]);
  // The focus moves with the row, so the next key press moves the row further.
  await holds(page, () => document.activeElement?.getAttribute("aria-label")?.startsWith("Move Third tone"));
  await page.keyboard.press("Alt+ArrowUp");
  await lists(page, ["Third tone", "First tone", "Second tone"]);
  await page.keyboard.press("Alt+ArrowUp");
  await choose(page, "First tone", "Remove from this playlist");
  await lists(page, ["Third tone", "Second tone"]);
  await choose(page, "Morning", "Rename…");
  await page.getByRole("dialog").getByLabel("Name").fill("Evening");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Evening" }).waitFor();
  await page.reload();
  await lists(page, ["Third tone", "Second tone"]);
  await page.locator("view-playlist").getByRole("button", { name: "Play", exact: true }).click();
  await until(page, { status: "playing", media_id: tones[2].id, isHere: true });
  await choose(page, "Evening", "Delete…");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await choose(page, "Evening", "Delete…");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("No playlists yet.").waitFor();
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("the heart saves a track and removes it, in a list, in the bar and on another page", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await to(page, "Saved");
  await page.getByText("Nothing is saved yet.").waitFor();
  await findTones(page);
  await page.getByRole("button", { name: "Save First tone" }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByRole("button", { name: "Remove First tone from saved" }).waitFor();
  await page.getByRole("button", { name: "Play Second tone" }).click();
  await until(page, { status: "playing", media_id: tones[1].id });
  await page.locator("player-bar").getByRole("button", { name: "Save", exact: true }).click();
  await to(page, "Saved");
  await lists(page, ["Second tone", "First tone"]);
  const other = await open(browser, server, "Hall");
  await to(other.page, "Saved");
  await lists(other.page, ["Second tone", "First tone"]);
  await other.page.getByRole("button", { name: "Remove First tone from saved" }).click();
  await lists(other.page, ["Second tone"]);
  await page.locator("player-bar").getByRole("button", { name: "Remove from saved" }).click();
  await page.reload();
  await page.getByText("Nothing is saved yet.").waitFor();
  await command(page, { op: "stop" });
  assert.deepEqual([...errors, ...other.errors], []);
});

test("the bar's buttons and sliders work, on the page that plays and on one that does not", async () => {
  const near = await open(browser, server, "Terrace");
  const far = await open(browser, server, "Phone");
  await command(near.page, { op: "play", tracks: tones.map((tone) => tone.id) });
  await until(near.page, { status: "playing", isHere: true });
  for (const { page } of [near, far]) {
    const bar = page.locator("player-bar");
    await until(page, { status: "playing", media_id: tones[0].id, active: "Terrace" });
    await bar.getByRole("button", { name: "Next", exact: true }).click();
    await until(page, { status: "playing", media_id: tones[1].id });
    await bar.getByText("Second tone").waitFor();
    await goBack(page, () => bar.getByRole("button", { name: "Previous", exact: true }).click());
    const slider = bar.getByRole("slider", { name: "Position" });
    const box = await slider.boundingBox();
    assert.ok(box);
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await holds(near.page, () =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player.place_ms() > 25_000),
    );
    for (const mode of ["all", "one", "off"]) {
      await bar.getByRole("button", { name: /^Repeat/ }).click();
      await holds(
        near.page,
        (mode) =>
          import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback.repeat === mode),
        mode,
      );
    }
    for (const on of [true, false]) {
      await bar.getByRole("button", { name: "Shuffle" }).click();
      await holds(
        near.page,
        (on) =>
          import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback.shuffle === on),
        on,
      );
      await holds(
        page,
        (on) => document.querySelector("player-bar [aria-label=Shuffle]")?.getAttribute("aria-pressed") === String(on),
        on,
      );
    }
    await command(near.page, { op: "play", tracks: tones.map((tone) => tone.id) });
    await until(page, { status: "playing", media_id: tones[0].id });
  }
  await command(near.page, { op: "stop" });
  assert.deepEqual([...near.errors, ...far.errors], []);
});

test("the list of devices shows the state of each, moves the music, and sets each volume", async () => {
  const kitchen = await open(browser, server, "Kitchen");
  const study = await open(browser, server, "Study");
  const { page } = study;
  await command(kitchen.page, { op: "play", tracks: [tones[0].id] });
  await until(page, { status: "playing", active: "Kitchen" });
  await to(page, "Devices");
  /** @param {string} name */
  const row = (name) => page.locator(".row.device").filter({ hasText: name });
  await row("Kitchen").getByText("Playing").waitFor();
  await row("Study (this tab)").getByText("Ready").waitFor();
  await page.locator("player-bar .where").getByText("Kitchen").waitFor();

  const loudness = (/** @type {Page} */ of) =>
    of.evaluate(() =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player.engine.loudness),
    );
  const isLoud = (/** @type {Page} */ of, /** @type {number} */ level, /** @type {boolean} */ muted) =>
    holds(
      of,
      (/** @type {any} */ wanted) =>
        import(/** @type {any} */ ("/player/session.js")).then(
          ({ session }) => JSON.stringify(session.player.engine.loudness) === JSON.stringify(wanted),
        ),
      { level, muted },
    );
  const before = await loudness(page);
  const slider = row("Kitchen").getByRole("slider", { name: "Volume of Kitchen" });
  await slider.focus();
  await page.keyboard.press("Home");
  await isLoud(kitchen.page, 0, false);
  const box = await slider.boundingBox();
  assert.ok(box);
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await isLoud(kitchen.page, 50, false);
  await row("Kitchen").getByRole("button", { name: "Mute" }).click();
  await isLoud(kitchen.page, 50, true);
  await row("Kitchen").getByRole("button", { name: "Unmute" }).click();
  await isLoud(kitchen.page, 50, false);
  assert.deepEqual(await loudness(page), before, "one's own is one's own");
  // And the other way round: a volume that is changed there is shown here.
  await kitchen.page.locator("player-bar").getByRole("slider", { name: "Volume of Kitchen" }).focus();
  await kitchen.page.keyboard.press("End");
  await isLoud(kitchen.page, 100, false);
  await holds(
    page,
    () =>
      /** @type {HTMLInputElement | null} */ (
        document.querySelector(".row.device input[aria-label='Volume of Kitchen']")
      )?.value === "100",
  );

  await row("Study (this tab)")
    .getByRole("button", { name: /^Move the music to/ })
    .click();
  await until(page, { status: "playing", isHere: true });
  await row("Study (this tab)").getByText("Playing").waitFor();
  await row("Kitchen").getByText("Ready").waitFor();
  await command(page, { op: "stop" });
  assert.deepEqual([...kitchen.errors, ...study.errors], []);
});

test("a device that is out of reach and one that waits for bytes are shown as such, and no spinner stays", async () => {
  const kitchen = await open(browser, server, "Cellar");
  const { page, errors } = await open(browser, server, "Loft");
  await kitchen.page.route(/\/media\//, (route) => route.abort());
  await command(kitchen.page, { op: "play", tracks: [tones[1].id] });
  await page.getByText("Loading on Cellar…").waitFor();
  await kitchen.page.getByText("Loading on this tab…").waitFor();
  await kitchen.page.unroute(/\/media\//);
  await until(page, { status: "playing", active: "Cellar" });
  await page.getByText("Loading on Cellar…").waitFor({ state: "hidden" });
  // The connection breaks without a close frame.
  await kitchen.context.setOffline(true);
  await kitchen.page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => {
      session.player.socket.send = () => undefined;
    }),
  );
  await page.getByText("Cellar is out of reach. Press play to go on here.").waitFor();
  await to(page, "Devices");
  await page.locator(".row.device").filter({ hasText: "Cellar" }).getByText("Out of reach").waitFor();
  await page
    .locator(".row.device")
    .filter({ hasText: "Loft" })
    .getByRole("button", { name: /^Move the music to/ })
    .click();
  await until(page, { status: "playing", isHere: true });
  await command(page, { op: "stop" });
  assert.deepEqual(errors, []);
});

test("a command that was reported as waiting and is then refused is reported again", async () => {
  const { page, errors } = await open(browser, server, "Porch");
  await server.freeze();
  try {
    await page.evaluate(async () => {
      const { attempt } = await import(/** @type {any} */ ("/player/parts/toast.js"));
      const { session } = await import(/** @type {any} */ ("/player/session.js"));
      void attempt(() => session.current.command({ op: "transfer", to: "00000000000000ff", mode: "play" }));
    });
    await page.getByText("This will be done when").waitFor();
  } finally {
    server.thaw();
  }
  await page.getByText("A command that was waiting was not done:").waitFor();
  assert.deepEqual(errors, []);
});

test("the browser shows this tab as playing, under the page's own policy, while it plays", async () => {
  // The policy does not allow the probe's worklet; its errors are not those of the page.
  const { page, context } = await open(browser, server, "Bench", { bypassCSP: false });
  await context.addInitScript(() => {
    const { createObjectURL } = URL;
    URL.createObjectURL = (/** @type {Blob} */ made) => {
      if (made.type === "audio/wav") /** @type {any} */ (window).made = made;
      return createObjectURL(made);
    };
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      if (this.loop) /** @type {any} */ (window).beside = this;
      return play.call(this);
    };
  });
  await page.reload();
  await welcomed(page);
  const state = () => page.evaluate(() => navigator.mediaSession.playbackState);
  await command(page, { op: "play", tracks: tones.map((tone) => tone.id) });
  await command(page, { op: "next" });
  await until(page, { status: "playing", media_id: tones[1].id, isHere: true });
  await holds(page, () => /** @type {any} */ (window).beside?.currentTime > 0.2);
  const beside = await page.evaluate(async () => {
    const { beside, made } = /** @type {any} */ (window);
    const { paused, muted, volume, duration } = beside;
    const samples = (
      await new OfflineAudioContext(1, 1, 44_100).decodeAudioData(await made.arrayBuffer())
    ).getChannelData(0);
    return {
      paused,
      muted,
      volume,
      duration,
      peak: samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0),
    };
  });
  assert.ok(beside.duration > 5, "shorter ones are taken for signals");
  assert.deepEqual(beside, { paused: false, muted: false, volume: 1, duration: beside.duration, peak: 0 });
  assert.equal(await state(), "playing");
  await command(page, { op: "pause" });
  await until(page, { status: "paused" });
  await holds(
    page,
    () => /** @type {any} */ (window).beside.paused && navigator.mediaSession.playbackState === "paused",
  );
  // While a device loads, the place does not advance.
  await page.route(/\/media\//, (route) => route.abort());
  await page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) =>
      session.player.engine.loader.bytesOf.clear(),
    ),
  );
  await command(page, {
    op: "play",
    item: await page.evaluate(() =>
      import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback.next.id),
    ),
  });
  await page.getByText("Loading on this tab…").waitFor();
  assert.equal(await state(), "paused");
  await page.unroute(/\/media\//);
  await until(page, { status: "playing", media_id: tones[2].id });
  await holds(
    page,
    () => navigator.mediaSession.playbackState === "playing" && navigator.mediaSession.metadata?.title === "Third tone",
  );
  // After logging out, nothing of the user is left on the lock screen.
  await page.evaluate(() =>
    import(/** @type {any} */ ("/player/store.js")).then(({ store }) => store.setSession(undefined)),
  );
  await holds(
    page,
    () =>
      navigator.mediaSession.metadata === null &&
      navigator.mediaSession.playbackState === "none" &&
      /** @type {any} */ (window).beside.paused,
  );
});

test("media keys work, and the system is told what plays and at which place", async () => {
  const { page, errors, context } = await open(browser, server, "Desk");
  await context.addInitScript(() => {
    /** @type {any} */
    const kept = window;
    kept.handlers = {};
    const { mediaSession } = navigator;
    mediaSession.setActionHandler = (action, handler) => {
      kept.handlers[action] = handler;
    };
    mediaSession.setPositionState = (state) => {
      kept.position = state;
    };
  });
  await page.reload();
  await welcomed(page);
  /** @param {string} action @param {object} [details] */
  const press = (action, details = {}) =>
    page.evaluate(
      ([action, details]) => /** @type {any} */ (window).handlers[/** @type {string} */ (action)](details),
      /** @type {[string, object]} */ ([action, details]),
    );
  await command(page, { op: "play", tracks: tones.map((tone) => tone.id) });
  await until(page, { status: "playing", media_id: tones[0].id, isHere: true });
  const told = () =>
    page.evaluate(() => ({
      title: navigator.mediaSession.metadata?.title,
      state: navigator.mediaSession.playbackState,
      tab: document.title,
      position: /** @type {any} */ (window).position,
    }));
  await holds(page, () => navigator.mediaSession.metadata?.title === "First tone" && document.title.startsWith("▶ "));
  assert.equal((await told()).state, "playing");
  assert.equal(Math.round((await told()).position.duration), 60);
  await press("nexttrack");
  await until(page, { status: "playing", media_id: tones[1].id });
  await holds(page, () => navigator.mediaSession.metadata?.title === "Second tone");
  await goBack(page, () => press("previoustrack"));
  await press("seekto", { seekTime: 30 });
  await holds(page, () => /** @type {any} */ (window).position.position >= 29.9);
  await press("pause");
  await until(page, { status: "paused" });
  await holds(page, () => navigator.mediaSession.playbackState === "paused" && !document.title.startsWith("▶ "));
  const { place_ms } = await shown(page);
  await press("seekbackward");
  await holds(
    page,
    (place_ms) =>
      import(/** @type {any} */ ("/player/session.js")).then(
        ({ session }) => Math.abs(session.player.place_ms() - (place_ms - 10_000)) < 500,
      ),
    place_ms,
  );
  await press("play");
  await until(page, { status: "playing" });
  await press("stop");
  await until(page, { intent: "stop" });
  assert.ok((await devices(page)).length >= 1);
  assert.deepEqual(errors, []);
});

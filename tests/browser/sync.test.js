/** Two browsers of one user: the same second on both, and the music moves without being heard twice. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ORIGINS, SECURE, gaps, heard, holds, knowTheTime, learnTheTime, launch, open, overlap, quantile, shown, sounds, until, wasQuiet, wish } from "./harness/browser.js";
import { Server } from "./harness/server.js";

/** Moves that are measured while the machine is quiet, and how long it is tried, in milliseconds: more with `LONG=1`. */
const [MOVES, TRIED_MS] = process.env.LONG ? [30, 600_000] : [8, 90_000];

/** How long the screens are compared until the machine was quiet meanwhile, in milliseconds. */
const COMPARED_MS = 60_000;

/**
 * What the measuring may be off by: a level is of a block of 2.9 ms, and of both pages each edge may fall anywhere in one.
 */
const MEASURED_MS = 5;

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof open>>} */ let a;
/** @type {Awaited<ReturnType<typeof open>>} */ let b;
/** @type {any} */ let tone;

for (const [where, addressOf] of [...ORIGINS, SECURE]) {
  describe(`from ${where}`, () => {
    before(async () => {
      server = await Server.start();
      [tone] = await server.addTones([{ name: "Long tone", seconds: 240 }]);
      if (where === SECURE[0]) await server.secure();
      browser = await launch();
      const baseURL = addressOf(server);
      a = await open(browser, server, "Kitchen", { baseURL });
      b = await open(browser, server, "Desk", { baseURL });
      assert.equal(await a.page.evaluate(() => isSecureContext), where !== "another machine");
    });

    after(async () => {
      assert.deepEqual([...(a?.errors ?? []), ...(b?.errors ?? [])], []);
      await browser?.close();
      await server?.end();
    });

    /** How far the two screens are apart, in milliseconds. */
    async function apart() {
      const [left, right] = await Promise.all([shown(a.page), shown(b.page)]);
      return Math.abs(left.place_ms - right.place_ms - (left.at_us - right.at_us) / 1000);
    }

    test("both show the same second while one plays", async (t) => {
      await wish(a.page, { op: "play", tracks: [tone.id] });
      await until(a.page, { status: "playing", isHere: true });
      await until(b.page, { status: "playing", isHere: false, active: "Kitchen" });
      await learnTheTime(a.page, b.page);
      /** @type {number[]} */
      let samples = [];
      const give_up_ms = Date.now() + COMPARED_MS;
      while (samples.length < 20 && Date.now() < give_up_ms) {
        const since_ms = Date.now();
        samples = [];
        for (let sample = 0; sample < 20; sample += 1) samples.push(await apart());
        if (!(await wasQuiet(since_ms, a.page, b.page)) || !(await knowTheTime(a.page, b.page))) samples = [];
      }
      t.diagnostic(`apart, ms, ${samples.length} samples: median ${quantile(samples, 0.5).toFixed(1)}, worst ${Math.max(0, ...samples).toFixed(1)}`);
      assert.ok(samples.every((apart_ms) => apart_ms <= 50), samples.join());
      const [left, right] = await Promise.all([shown(a.page), shown(b.page)]);
      assert.deepEqual([left.media_id, left.status], [right.media_id, right.status]);
    });

    test("either seeks, pauses and goes on for both", async () => {
      await b.page.locator("player-bar input[aria-label=Position]").focus();
      await b.page.keyboard.press("ArrowRight");
      await holds(a.page, () => import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player.place_ms() >= 5_000));
      await until(a.page, { status: "playing" });
      await b.page.getByRole("button", { name: "Pause", exact: true }).click();
      await until(a.page, { status: "paused", intent: "pause" });
      assert.equal((await shown(a.page)).audio, "silent");
      await a.page.getByRole("button", { name: "Play", exact: true }).click();
      await until(a.page, { status: "playing" });
      await until(b.page, { status: "playing" });
    });

    test("the music moves with one click, is never heard twice, and goes on where it was", async (t) => {
      /** @type {{gap: number, jump: number, both: number}[]} */
      const moves = [];
      let [from, to] = [a, b];
      let tried = 0;
      const give_up_ms = Date.now() + TRIED_MS;
      for (; moves.length < MOVES && Date.now() < give_up_ms; tried += 1) {
        await learnTheTime(a.page, b.page);
        const since_ms = Date.now();
        const left = await shown(from.page);
        const name = to === b ? "Desk" : "Kitchen";
        await from.page.locator("player-bar .where").click();
        await from.page.getByRole("button", { name: `Move the music to ${name}` }).click();
        await until(to.page, { status: "playing", isHere: true });
        await until(from.page, { isHere: false });
        await from.page.keyboard.press("Escape");
        const right = await shown(to.page);
        // The tone must be heard for a moment before it moves on.
        await sounds(to.page, Date.now() + 200);
        const [there, here] = [await heard(from.page, since_ms), await heard(to.page, since_ms)];
        const both = overlap(there, here);
        const loud = [...there, ...here].filter(([, peak]) => peak > 0.001).sort(([x], [y]) => x - y);
        const gap = Math.max(0, ...gaps(loud));
        const jump = (right.place_ms - left.place_ms) - ((right.at_us - left.at_us) / 1000 - gap);
        if ((await wasQuiet(since_ms, a.page, b.page)) && (await knowTheTime(a.page, b.page))) moves.push({ gap, jump, both });
        [from, to] = [to, from];
      }
      const silent = moves.map(({ gap }) => gap);
      const jumps = moves.map(({ jump }) => Math.abs(jump));
      t.diagnostic(`${moves.length} of ${tried} moves while the machine was quiet`);
      t.diagnostic(`silent gap, ms: median ${quantile(silent, 0.5).toFixed(0)}, p95 ${quantile(silent, 0.95).toFixed(0)}; jump, ms: ${jumps.map((jump) => jump.toFixed(0)).join()}; both audible, ms: ${moves.map(({ both }) => both.toFixed(1)).join()}`);
      assert.ok(moves.every(({ both }) => both <= MEASURED_MS), "two devices were heard together");
      assert.ok(quantile(silent, 0.95) <= 300, silent.join());
      assert.ok(jumps.every((jump) => jump <= 50), jumps.join());
    });

    test("T50: the tab that plays is killed: the other sees it, and goes on with one press", async () => {
      const before = await shown(b.page);
      const [dying, living] = before.active === before.own ? [b, a] : [a, b];
      await until(living.page, { status: "playing" });
      const cdp = await dying.context.newCDPSession(dying.page);
      cdp.send("Page.crash").catch(() => undefined);
      // Shown as lost, or as paused where the browser has closed the socket for its dead page.
      await holds(living.page, () => import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback.status !== "playing"));
      const left = await shown(living.page);
      await wish(living.page, { op: "play" });
      await until(living.page, { status: "playing", isHere: true });
      const right = await shown(living.page);
      const gone_on_ms = right.place_ms - left.place_ms;
      assert.ok(gone_on_ms >= 0 && gone_on_ms <= (right.at_us - left.at_us) / 1000, `${gone_on_ms}`);
      assert.deepEqual(dying.errors, []);
    });

    test("T74: a page load starts no sound and takes nothing", async () => {
      const { page, errors } = await open(browser, server, "Hall", { baseURL: addressOf(server) });
      assert.equal((await shown(page)).audio, "silent");
      assert.notEqual((await shown(page)).active, (await shown(page)).own);
      assert.deepEqual(errors, []);
    });
  });
}

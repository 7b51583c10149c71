/** Two browsers of one user: both show the same place, and the music moves without an overlap. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  ORIGINS,
  SECURE,
  audible,
  gaps,
  heard,
  holds,
  knowTheTime,
  learnTheTime,
  launch,
  open,
  overlap,
  planned,
  quantile,
  shown,
  sounds,
  until,
  wasQuiet,
  command,
} from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { aheadOf } from "./harness/tones.js";

/**
 * The number of moves, and for how long more are tried until that many happened on a quiet machine, in milliseconds:
 * more with `LONG=1`.
 */
const [MOVES, TRIED_MS] = process.env.LONG ? [30, 600_000] : [8, 90_000];

/** How long the screens are compared until the machine was quiet, in milliseconds. */
const COMPARED_MS = 60_000;

/**
 * The error of the measurement, in milliseconds: a level is that of a block of 2.9 ms, and each edge of both pages may
 * be anywhere in one.
 */
const MEASURED_MS = 5;

/**
 * The end on one page and the beginning on the other may be planned in the wrong order by this much, in milliseconds,
 * when both clocks are wrong by their whole error bound (`PROTOCOL.md`, P1).
 */
const PLANNED_MS = 40;

/**
 * On any machine, however busy: two devices are not heard together for longer than this, and the music does not jump by
 * more, in milliseconds.
 */
const EVER_MS = 1_000;

/** The length of the tone, and the length of a piece of it that tells the place in it, in milliseconds. */
const [LASTS_MS, READ_MS] = [240_000, 800];

/**
 * How far the place in the tone is ahead of the page's audio clock, as recorded from `from_ms` of that clock on, in
 * milliseconds; NaN when too little was recorded, as on a busy machine.
 * @param {[number, number, number][]} blocks @param {number} from_ms
 */
function placed(blocks, from_ms) {
  // The ramps at both ends are not part of the tone.
  const read = blocks.filter(([, , clock_ms]) => clock_ms > from_ms + 8 && clock_ms < from_ms + READ_MS - 8);
  return aheadOf(read, LASTS_MS) ?? NaN;
}

/**
 * What happened to the music in a move, according to the recordings of both pages: how much of it was left out
 * (negative: repeated), and how long nothing was heard, in milliseconds.
 * @param {[number, number, number][]} there @param {[number, number, number][]} here
 * @param {number} since_ms when the move began, by the wall clock
 */
function heardOf(there, here, since_ms) {
  const [left, right] = [audible(there), audible(here)];
  const [last, first] = [left[left.length - 1], right[0]];
  assert.ok(last && first, "it is heard on both");
  const jump = first[2] + placed(right, first[2]) - last[2] - placed(left, last[2] - READ_MS);
  const gap = Math.max(
    0,
    ...gaps([...left, ...right].filter(([at_ms]) => at_ms >= since_ms).sort(([x], [y]) => x - y)),
  );
  return { jump, gap, order: first[0] - last[0], both: overlap(there, here) };
}

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

    /** How far the places on the two screens are apart, in milliseconds. */
    async function apart() {
      const [left, right] = await Promise.all([shown(a.page), shown(b.page)]);
      return Math.abs(left.place_ms - right.place_ms - (left.at_us - right.at_us) / 1000);
    }

    /**
     * How far the place that a page shows is from the place that it plays, in milliseconds.
     * @param {import("playwright-core").Page} page
     */
    async function besideHeard(page) {
      const { wall_ms, place_ms } = await shown(page);
      await sounds(page, wall_ms);
      const blocks = await heard(page, wall_ms - READ_MS);
      const ahead_ms = placed(blocks, blocks[0][2]);
      const [at_ms, , clock_ms] = blocks.findLast(([at_ms]) => at_ms <= wall_ms) ?? blocks[0];
      return place_ms - (clock_ms + wall_ms - at_ms + ahead_ms);
    }

    test("both show the same place while one plays, and it is the place that is heard", async (t) => {
      await command(a.page, { op: "play", tracks: [tone.id] });
      await until(a.page, { status: "playing", isHere: true });
      await until(b.page, { status: "playing", isHere: false, active: "Kitchen" });
      await learnTheTime(a.page, b.page);
      /** @type {number[]} */
      let quiet = [];
      /** @type {number[]} */
      const all = [];
      const give_up_ms = Date.now() + COMPARED_MS;
      do {
        const since_ms = Date.now();
        const samples = [];
        for (let sample = 0; sample < 20; sample += 1) samples.push(await apart());
        await sounds(a.page, Date.now() + READ_MS);
        const beside = await besideHeard(a.page);
        const isQuiet = (await wasQuiet(since_ms, a.page, b.page)) && (await knowTheTime(a.page, b.page));
        const [median, worst] = [quantile(samples, 0.5), Math.max(...samples)].map((ms) => ms.toFixed(1));
        t.diagnostic(
          `${isQuiet ? "quiet" : "busy"} machine; apart, ms: median ${median}, worst ${worst}; ` +
            `shown beside heard, ms: ${beside.toFixed(1)}`,
        );
        // On a busy machine too little may have been recorded to tell the place.
        all.push(...samples, ...(Number.isNaN(beside) ? [] : [Math.abs(beside)]));
        if (isQuiet) quiet = [...samples, Math.abs(beside)];
      } while (quiet.length === 0 && Date.now() < give_up_ms);
      assert.ok(
        all.every((apart_ms) => apart_ms <= EVER_MS),
        all.join(),
      );
      assert.ok(
        quiet.every((apart_ms) => apart_ms <= 50),
        quiet.join(),
      );
      const [left, right] = await Promise.all([shown(a.page), shown(b.page)]);
      assert.deepEqual([left.media_id, left.status], [right.media_id, right.status]);
    });

    test("either seeks, pauses and goes on for both", async () => {
      await b.page.locator("player-bar input[aria-label=Position]").focus();
      await b.page.keyboard.press("ArrowRight");
      await holds(a.page, () =>
        import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player.place_ms() >= 5_000),
      );
      await until(a.page, { status: "playing" });
      await b.page.getByRole("button", { name: "Pause", exact: true }).click();
      await until(a.page, { status: "paused", intent: "pause" });
      assert.equal((await shown(a.page)).audio, "silent");
      await a.page.getByRole("button", { name: "Play", exact: true }).click();
      await until(a.page, { status: "playing" });
      await until(b.page, { status: "playing" });
    });

    test("the music moves with one click, without an overlap, and goes on at its place", async (t) => {
      /** @typedef {ReturnType<typeof heardOf>} Move */
      /** @type {Move[]} */
      const moves = [];
      /** @type {Move[]} */
      const quiet = [];
      let [from, to] = [a, b];
      const give_up_ms = Date.now() + TRIED_MS;
      while (moves.length < MOVES || (quiet.length < MOVES && Date.now() < give_up_ms)) {
        await learnTheTime(a.page, b.page);
        await Promise.all([planned(a.page), planned(b.page)]);
        const since_ms = Date.now();
        const name = to === b ? "Desk" : "Kitchen";
        await from.page.locator("player-bar .where").click();
        await from.page.getByRole("button", { name: `Move the music to ${name}` }).click();
        await until(to.page, { status: "playing", isHere: true });
        await until(from.page, { isHere: false });
        await from.page.keyboard.press("Escape");
        // Long enough for the recording to tell the place.
        await sounds(to.page, Date.now() + READ_MS);
        const move = heardOf(await heard(from.page, since_ms - READ_MS), await heard(to.page, since_ms), since_ms);
        const ends = (await planned(from.page)).findLast(([, level]) => level === 0);
        const begins = (await planned(to.page)).find(([, level]) => level > 0);
        assert.ok(
          ends && begins && ends[0] <= begins[0] + PLANNED_MS,
          `planned to end at ${ends?.[0]}, to begin at ${begins?.[0]}`,
        );
        moves.push(move);
        if ((await wasQuiet(since_ms, a.page, b.page)) && (await knowTheTime(a.page, b.page))) quiet.push(move);
        [from, to] = [to, from];
      }
      const figures = (/** @type {Move[]} */ some) =>
        `jump ${some.map(({ jump }) => jump.toFixed(0)).join()}; ` +
        `silent ${some.map(({ gap }) => gap.toFixed(0)).join()}; ` +
        `both audible ${some.map(({ both }) => both.toFixed(1)).join()}`;
      const gap_ms = quantile(
        quiet.map(({ gap }) => gap),
        0.95,
      );
      t.diagnostic(
        `${quiet.length} of ${moves.length} moves on a quiet machine; silent gap, ms: p95 ${gap_ms.toFixed(0)}`,
      );
      t.diagnostic(`all, ms: ${figures(moves)}`);
      t.diagnostic(`quiet, ms: ${figures(quiet)}`);
      assert.ok(
        moves.every(({ both, order }) => both <= EVER_MS && order >= -EVER_MS),
        `two devices were heard together: ${figures(moves)}`,
      );
      assert.ok(
        moves.every(({ jump, gap }) => Number.isNaN(jump) || (jump >= -EVER_MS && jump <= gap + EVER_MS)),
        figures(moves),
      );
      assert.ok(
        quiet.every(({ both }) => both <= MEASURED_MS),
        `two devices were heard together: ${figures(quiet)}`,
      );
      assert.ok(gap_ms <= 300, figures(quiet));
      assert.ok(
        quiet.every(({ jump }) => Math.abs(jump) <= 50),
        figures(quiet),
      );
    });

    test("T50: the tab that plays is killed: the other sees it, and goes on with one press", async () => {
      const before = await shown(b.page);
      const [dying, living] = before.active === before.own ? [b, a] : [a, b];
      await until(living.page, { status: "playing" });
      const cdp = await dying.context.newCDPSession(dying.page);
      cdp.send("Page.crash").catch(() => undefined);
      // Shown as lost, or as paused if the browser has closed the socket of the dead page.
      await holds(living.page, () =>
        import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.playback.status !== "playing"),
      );
      const left = await shown(living.page);
      await command(living.page, { op: "play" });
      await until(living.page, { status: "playing", isHere: true });
      const right = await shown(living.page);
      const gone_on_ms = right.place_ms - left.place_ms;
      assert.ok(gone_on_ms >= 0 && gone_on_ms <= (right.at_us - left.at_us) / 1000, `${gone_on_ms}`);
      assert.deepEqual(dying.errors, []);
    });

    test("T74: loading a page starts no sound and takes over nothing", async () => {
      const { page, errors } = await open(browser, server, "Hall", { baseURL: addressOf(server) });
      assert.equal((await shown(page)).audio, "silent");
      assert.notEqual((await shown(page)).active, (await shown(page)).own);
      assert.deepEqual(errors, []);
    });
  });
}

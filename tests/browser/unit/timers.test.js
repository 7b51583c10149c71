/** What the player does later: the next tick of the rules, and loading what plays elsewhere. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PRELOAD_MS, Preload } from "../../../player/device/preload.js";
import { TickTimer } from "../../../player/device/tick_timer.js";

/** @import {Playback} from "../../../player/rules/types.js" */

/** A timer with a deadline and clocks set by hand, and what it did. @param {import("node:test").TestContext} t */
function ticker(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const world = { wait_ms: 0, wall_ms: 1_000_000, steady_ms: 0 };
  /** @type {string[]} */
  const done = [];
  const timer = new TickTimer({
    wait_ms: () => world.wait_ms,
    tick: () => done.push("tick"),
    woke: () => done.push("woke"),
    wall_ms: () => world.wall_ms,
    steady_ms: () => world.steady_ms,
  });
  const pass = (/** @type {number} */ ms) => {
    world.wall_ms += ms;
    world.steady_ms += ms;
    t.mock.timers.tick(ms);
  };
  return { timer, world, done, pass };
}

test("the rules are woken at their deadline, once, and not before", (t) => {
  const { timer, world, done, pass } = ticker(t);
  world.wait_ms = 99.2;
  timer.plan();
  pass(99);
  assert.deepEqual(done, []);
  pass(1);
  assert.deepEqual(done, ["tick"]);
  pass(100_000);
  assert.deepEqual(done, ["tick"]);
});

test("a new plan takes the place of the old one; without a deadline nothing is planned", (t) => {
  const { timer, world, done, pass } = ticker(t);
  world.wait_ms = 50;
  timer.plan();
  world.wait_ms = Infinity;
  timer.plan();
  pass(100_000);
  assert.deepEqual(done, []);
  world.wait_ms = -5;
  timer.plan();
  pass(1);
  assert.deepEqual(done, ["tick"], "a deadline that has passed is due at once");
  world.wait_ms = 50;
  timer.plan();
  timer.end();
  pass(100_000);
  assert.deepEqual(done, ["tick"]);
});

test("a far deadline is looked at once a minute", (t) => {
  const { timer, world, done, pass } = ticker(t);
  world.wait_ms = 1e12;
  timer.plan();
  pass(59_999);
  assert.deepEqual(done, []);
  pass(1);
  assert.deepEqual(done, ["tick"]);
});

test("clocks that part by more than 3 s mean a sleep, which is told once", (t) => {
  const { timer, world, done, pass } = ticker(t);
  world.wait_ms = 10;
  world.wall_ms += 2_900;
  timer.plan();
  pass(10);
  assert.deepEqual(done, ["tick"]);
  for (const jump_ms of [3_100, -3_100]) {
    done.length = 0;
    world.wall_ms += jump_ms;
    timer.plan();
    pass(10);
    timer.plan();
    pass(10);
    assert.deepEqual(done, ["woke", "tick", "tick"]);
  }
});

/** @param {string} id @param {Partial<Playback>} [change] */
const playing = (id, change = {}) =>
  /** @type {Playback} */ ({ status: "playing", item: { id, media_id: `m-${id}` }, ...change });

test("what plays elsewhere is loaded after a while, once, unless it is skipped or plays here", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {string[]} */
  const loaded = [];
  let mayLoad = true;
  const preload = new Preload(
    () => mayLoad,
    ({ id }) => loaded.push(id),
  );
  preload.show(playing("a"), false);
  t.mock.timers.tick(PRELOAD_MS - 1);
  preload.show(playing("b"), false);
  preload.show(playing("b", { position_ms: 9 }), false);
  t.mock.timers.tick(PRELOAD_MS - 1);
  assert.deepEqual(loaded, []);
  t.mock.timers.tick(1);
  assert.deepEqual(loaded, ["b"]);
  preload.show(playing("b"), false);
  t.mock.timers.tick(PRELOAD_MS);
  assert.deepEqual(loaded, ["b"], "once");
  for (const [playback, isHolder] of /** @type {[Playback, boolean][]} */ ([
    [playing("c"), true],
    [playing("d", { status: "paused" }), false],
  ])) {
    preload.show(playback, isHolder);
    t.mock.timers.tick(PRELOAD_MS);
  }
  mayLoad = false;
  preload.show(playing("e"), false);
  t.mock.timers.tick(PRELOAD_MS);
  mayLoad = true;
  preload.show(playing("f"), false);
  preload.end();
  t.mock.timers.tick(PRELOAD_MS);
  assert.deepEqual(loaded, ["b"]);
});

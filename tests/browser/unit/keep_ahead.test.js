import assert from "node:assert/strict";
import { test } from "node:test";
import { KEPT_AHEAD, KeepAhead } from "../../../player/device/keep_ahead.js";

/** @import {Item, Playback} from "../../../player/rules/types.js" */

/** @param {number} length @returns {Item[]} */
const entries = (length) => Array.from({ length }, (_, index) => ({ id: `e${index}`, media_id: `m${index}` }));

/** @param {number} queue_length @param {number} [queue_revision] */
const shown = (queue_length, queue_revision = 5) =>
  /** @type {Playback} */ ({ epoch: 1, queue_revision, queue_length });

/** Everything is decoded but what is named. @param {string[]} [streamed] */
const decoder =
  (streamed = []) =>
  (/** @type {Item} */ { id }) =>
    !streamed.includes(id);

/** @param {ReturnType<KeepAhead["learn"]>} todo */
const keptIn = (todo) => todo && "keep" in todo && todo.keep.map(({ id }) => id);

test("the queue is asked for until enough of it is known after the current item", () => {
  const ahead = new KeepAhead(decoder(), async () => undefined);
  const all = entries(1_000);
  const at = (/** @type {number} */ index, /** @type {number} */ known) =>
    ahead.learn(shown(1_000), all[index], all.slice(0, known));
  assert.deepEqual(at(0, 0), { ask: 0 });
  assert.deepEqual(at(150, 100), { ask: 100 }, "the current item is further on");
  assert.deepEqual(at(96, 100), { ask: 100 }, "three items after it are too few");
  assert.deepEqual(keptIn(at(95, 100)), ["e97", "e98", "e99"]);
  assert.equal(at(600, 500), undefined, "the queue is not learnt further than this");
});

test("of a short queue all is learnt, and nothing is asked for at its end", () => {
  const ahead = new KeepAhead(decoder(), async () => undefined);
  const all = entries(3);
  assert.deepEqual(ahead.learn(shown(3), all[1], all), { queue: all, keep: [] });
});

test("the next items are kept, but the two that the audio loads itself, unless it streams them", () => {
  const all = entries(20);
  const kept = (/** @type {string[]} */ ...streamed) =>
    keptIn(new KeepAhead(decoder(streamed), async () => undefined).learn(shown(20), all[3], all));
  assert.deepEqual(kept(), ["e5", "e6", "e7", "e8"]);
  assert.equal(KEPT_AHEAD, 4);
  assert.deepEqual(kept("e3"), ["e3", "e5", "e6", "e7", "e8"]);
  assert.deepEqual(kept("e4", "e9"), ["e4", "e5", "e6", "e7", "e8"]);
});

test("the same situation gives an answer once; another item, part or revision of the queue gives a new one", () => {
  const ahead = new KeepAhead(decoder(), async () => undefined);
  const all = entries(20);
  assert.ok(ahead.learn(shown(20), all[3], all));
  assert.equal(ahead.learn(shown(20), all[3], all), undefined);
  assert.ok(ahead.learn(shown(20), all[4], all));
  assert.ok(ahead.learn(shown(20, 6), all[4], all));
  assert.ok(ahead.learn(shown(20, 6), all[4], all.slice(0, 15)));
});

test("items are kept one after the other; a failure does not stop them, a new list does", async () => {
  /** @type {string[]} */
  const started = [];
  /** @type {Map<string, {resolve: (value?: unknown) => void, reject: (error: Error) => void, signal: AbortSignal}>} */
  const running = new Map();
  const ahead = new KeepAhead(decoder(), ({ id }, signal) => {
    started.push(id);
    return new Promise((resolve, reject) => void running.set(id, { resolve: () => resolve(), reject, signal }));
  });
  const [a, b, c, d] = entries(4);
  const first = ahead.keepAll([a, b, c]);
  assert.deepEqual(started, ["e0"]);
  running.get("e0")?.reject(new Error("the network is away"));
  await Promise.resolve().then(() => new Promise((resolve) => setImmediate(resolve)));
  assert.deepEqual(started, ["e0", "e1"]);
  const second = ahead.keepAll([d]);
  assert.equal(running.get("e1")?.signal.aborted, true);
  running.get("e1")?.resolve();
  running.get("e3")?.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(started, ["e0", "e1", "e3"], "the third of the first list is not begun");
  assert.equal(running.get("e3")?.signal.aborted, false);
  ahead.end();
  assert.equal(running.get("e3")?.signal.aborted, true);
});

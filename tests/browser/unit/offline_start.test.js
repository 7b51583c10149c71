import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "../../../player/device/answers.js";
import { offlineStart } from "../../../player/device/offline_start.js";

/** @import {Op} from "../../../player/rules/types.js" */

const QUEUE = ["a", "b", "c", "d"].map((name) => ({ id: `e-${name}`, kind: "track", media_id: name }));

/** @type {import("../../../player/device/offline_start.js").Situation} `b` plays here, and `a` is not kept */
const HERE = {
  track: (media_id) => ({ audio_url: `/media/${media_id}`, duration_ms: 1_000 }),
  isKept: (media_id) => media_id !== "a",
  current: QUEUE[1],
  ahead: QUEUE,
  place_ms: 5_000,
  areEntries: true,
  isPlayingHere: true,
};

/** Which items start, which one of them, where in it. @param {Op} op @param {Partial<typeof HERE>} [change] */
function start(op, change = {}) {
  const found = offlineStart(op, { ...HERE, ...change });
  return found && [found.items.map(({ media_id }) => media_id).join(""), found.at, found.position_ms, found.areEntries];
}

test("named tracks: the kept ones start, from the wanted one or the first kept one after it", () => {
  const play = { op: "play", tracks: ["x", "a", "y", "z"] };
  assert.deepEqual(start(play), ["xyz", 0, 0, false]);
  assert.deepEqual(start({ ...play, start: 3, position_ms: 700 }), ["xyz", 2, 700, false]);
  assert.deepEqual(start({ ...play, start: 1 }), ["xyz", 1, 0, false], "that one is not kept");
  assert.deepEqual(start({ op: "play", tracks: ["x", "a"], start: 1 }), ["x", 0, 0, false], "nor any after it");
  const items = offlineStart(play, HERE)?.items ?? [];
  assert.deepEqual(items[1], { id: "2", kind: "track", media_id: "y", duration_ms: 1_000 });
});

test("named tracks of which none is kept are refused in words", () => {
  const play = () => offlineStart({ op: "play", tracks: ["a", "a"] }, HERE);
  assert.throws(play, (error) => error instanceof Refused && error.code === "offline" && /kept/.test(error.message));
});

test("in the queue the kept entries count, and the current one", () => {
  assert.deepEqual(start({ op: "play" }), ["bcd", 0, 5_000, true]);
  assert.deepEqual(start({ op: "play", position_ms: 40 }), ["bcd", 0, 40, true]);
  assert.deepEqual(start({ op: "play", item: "e-d" }), ["bcd", 2, 0, true]);
  assert.equal(start({ op: "play", item: "e-a" }), undefined, "it is not kept");
  assert.deepEqual(start({ op: "play" }, { current: QUEUE[0] }), ["abcd", 0, 5_000, true], "the current one stays");
});

test("kept tracks that were shown before a reload are no entries of the queue", () => {
  assert.deepEqual(start({ op: "play" }, { areEntries: false }), ["bcd", 0, 5_000, false]);
});

test("next, previous and seek go on from the current entry", () => {
  assert.deepEqual(start({ op: "next" }), ["bcd", 1, 0, true]);
  assert.equal(start({ op: "next" }, { current: QUEUE[3] }), undefined, "nothing comes after it");
  assert.deepEqual(start({ op: "previous" }, { current: QUEUE[2] }), ["bcd", 1, 0, true], "its beginning first");
  assert.deepEqual(start({ op: "previous" }, { current: QUEUE[2], place_ms: 1_000 }), ["bcd", 0, 0, true]);
  assert.deepEqual(start({ op: "seek", position_ms: 9 }), ["bcd", 0, 9, true]);
  assert.equal(start({ op: "pause" }), undefined);
});

test("a device that plays nothing can be told to play only", () => {
  for (const op of ["next", "previous", "seek"]) assert.equal(start({ op }, { isPlayingHere: false }), undefined, op);
  assert.deepEqual(start({ op: "play" }, { isPlayingHere: false }), ["bcd", 0, 5_000, true]);
  assert.equal(start({ op: "play" }, { current: undefined }), undefined, "it knows of no item");
});

test("an item that is not in the known part of the queue plays alone", () => {
  const current = { id: "e-x", media_id: "x" };
  assert.deepEqual(start({ op: "play" }, { current }), ["x", 0, 5_000, true]);
  assert.equal(start({ op: "next" }, { current }), undefined);
});

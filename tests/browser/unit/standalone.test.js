/** Playback without the server: commands are carried out, and when the server is back a changed session wins. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { mayPlayStandalone } from "../../../player/rules/standalone.js";
import { ME, OTHER, World, item, of, sent } from "./world.js";

/** @import {Playback, Stamp} from "../../../player/rules/types.js" */

const [one, two, three] = [item("1"), item("2"), item("3")];
const kept = [item("k0"), item("k1")];

/** A device that plays the first of three entries and has lost its server. */
function cutOff() {
  const world = new World();
  world.welcome();
  world.grant(one, { next: two, queue_length: 3 });
  world.started(one);
  world.step({ type: "ahead", items: [one, two, three] });
  world.pass(10_000).step({ type: "closed" });
  return world;
}

/** @param {World} world */
const begin = (world, more = {}) =>
  world.step({ type: "standalone", id: "w1", items: kept, at: 0, position_ms: 0, areEntries: false, ...more });

/** The server is back, with the same session. @param {World} world @param {Partial<Playback>} [change] */
function back(world, change = {}) {
  world.revision += 1;
  world.playback = { ...world.playback, revision: world.revision, ...change };
  world.step({ type: "wake" });
  return world.welcome();
}

test("cut off, the queue plays to its end, and the server is told the place", () => {
  const world = cutOff();
  const follows = of(world.step({ type: "finished", since_us: world.local_us, went_on: true }), "follow");
  assert.equal(follows[0].item.id, "3", "what comes after the next one is told to the audio");
  world.pass(60_000).step({ type: "finished", since_us: world.local_us, went_on: true });
  world.pass(5_000);
  assert.equal(world.client.placeAt(world.local_us), 5_000);
  const [ended] = sent(back(world), "ended");
  assert.deepEqual([ended.item, ended.to_item, ended.position_ms], ["1", "3", 5_000]);
});

test("cut off, repeat works for the queue and for one item", () => {
  for (const [repeat, wanted] of /** @type {const} */ ([
    ["all", "1"],
    ["one", "2"],
    ["off", undefined],
  ])) {
    const world = cutOff();
    world.step({ type: "finished", since_us: world.local_us, went_on: true });
    world.client.playback = { .../** @type {Playback} */ (world.client.playback), repeat };
    const [follow] = of(world.step({ type: "finished", since_us: world.local_us, went_on: true }), "follow").slice(-1);
    assert.equal(follow?.item?.id, wanted, repeat);
  }
});

test("cut off, a queue that is known in part is not repeated", () => {
  const world = cutOff();
  world.client.playback = { .../** @type {Playback} */ (world.client.playback), repeat: "all", queue_length: 9 };
  world.step({ type: "finished", since_us: world.local_us, went_on: true });
  const [follow] = of(world.step({ type: "finished", since_us: world.local_us, went_on: true }), "follow").slice(-1);
  assert.equal(follow.item, undefined);
});

test("standalone, items follow each other, unplayable ones are skipped, and the end ends it", () => {
  const world = cutOff();
  begin(world, { items: [...kept, item("k2"), item("k3")] });
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  world.pass(60_000).step({ type: "finished", since_us: world.local_us, went_on: true });
  assert.deepEqual(
    [world.client.view?.item?.id, world.client.view?.status, world.client.view?.next?.id],
    ["k1", "playing", "k2"],
  );
  assert.equal(
    of(world.step({ type: "finished", since_us: world.local_us, went_on: false }), "sound")[0].item.id,
    "k2",
  );
  assert.equal(of(world.step({ type: "failed" }), "sound")[0].item.id, "k3");
  assert.equal(of(world.step({ type: "finished", since_us: world.local_us, went_on: false }), "silence").length, 1);
  assert.deepEqual([world.client.view?.status, world.client.view?.item?.id], ["paused", "k0"]);
});

test("a standalone start replaces the earlier commands that were not sent", () => {
  const world = cutOff();
  world.step({ type: "command", id: "p", op: { op: "seek", position_ms: 1 } });
  assert.equal(
    of(begin(world), "answered")
      .map(({ id }) => id)
      .join(),
    "p,w1",
  );
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  world.pass(3_000);
  assert.equal(world.client.positionAt(world.local_us), 3_000);
  assert.deepEqual(
    sent(back(world), "command").map(({ op }) => op),
    ["play"],
  );
});

test("a device that paused what it played alone does not send that command when the server is back", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  world.started(one);
  world.show({ active: undefined, intent: "stop", status: "idle" }, true);
  world.step({ type: "closed" });
  begin(world.pass(5_000));
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  world.step({ type: "wake" });
  assert.equal(sent(world.step({ type: "opened" }), "hello").length, 1);
  world.step({ type: "command", id: "p", op: { op: "pause" } });
  world.step({ type: "closed" });
  assert.deepEqual(sent(back(world), "command"), []);
  assert.equal(world.client.standalone, undefined);
});

test("playbacks before the server's answer do not change the audio", () => {
  const world = cutOff();
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  back(world);
  const outputs = world.show({ repeat: "all", by: { device_id: OTHER.id, command_id: "x" } });
  assert.deepEqual([...of(outputs, "sound"), ...of(outputs, "silence")], []);
  assert.equal(world.client.view?.item?.id, "k0");
});

test("standalone, a kept item plays at once, its place advances, and the command is answered", () => {
  const world = cutOff();
  const outputs = begin(world);
  assert.equal(of(outputs, "sound")[0].item.id, "k0");
  assert.equal(of(outputs, "follow")[0].item.id, "k1");
  assert.equal(of(outputs, "answered")[0].id, "w1");
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  world.pass(4_000);
  assert.equal(world.client.positionAt(world.local_us), 4_000);
  assert.deepEqual([world.client.view?.status, world.client.view?.item?.id], ["playing", "k0"]);
  assert.equal(
    world
      .pass(3_600_000)
      .toDeadline()
      .filter(({ type }) => type === "silence").length,
    0,
    "no limit of time",
  );
});

test("standalone, pause, play, seek, next and previous are carried out here", () => {
  const world = cutOff();
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  world.pass(7_000);
  assert.equal(of(world.step({ type: "command", id: "p", op: { op: "pause" } }), "silence").length, 1);
  assert.deepEqual([world.client.view?.status, world.client.positionAt(world.local_us)], ["paused", 7_000]);
  assert.equal(of(world.step({ type: "command", id: "g", op: { op: "play" } }), "sound")[0].position_ms, 7_000);
  assert.equal(
    of(world.step({ type: "command", id: "s", op: { op: "seek", position_ms: 30_000 } }), "sound")[0].position_ms,
    30_000,
  );
  assert.equal(of(world.step({ type: "command", id: "n", op: { op: "next" } }), "sound")[0].item.id, "k1");
  assert.equal(of(world.step({ type: "command", id: "b", op: { op: "previous" } }), "sound")[0].item.id, "k0");
  world.step({ type: "command", id: "t", op: { op: "transfer", to: OTHER.id, mode: "keep" } });
  assert.ok(
    world.client.pendingCommands.has("t") && !world.client.pendingCommands.has("b"),
    "what only the server can do waits for it",
  );
});

test("the server is back: the same music plays on without a gap, as part of the session", () => {
  const world = cutOff();
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  const outputs = back(world.pass(8_000));
  const [command] = sent(outputs, "command");
  assert.deepEqual(
    [command.id, command.op, command.tracks, command.start, command.position_ms, command.on],
    ["w1", "play", ["media-k0", "media-k1"], 0, 8_000, ME.id],
  );
  assert.deepEqual(of(outputs, "silence"), [], "it sounds under its lease");
  assert.deepEqual(sent(outputs, "report"), [], "nothing is said of an item that the session does not know");
  const named = { ...kept[0], id: "n1" };
  const granted = world
    .pass(50)
    .show({ item: named, status: "starting", position_ms: 8_000, by: { device_id: ME.id, command_id: "w1" } }, true);
  assert.deepEqual([...of(granted, "sound"), ...of(granted, "silence")], [], "nothing begins anew");
  assert.equal(of(granted, "rename")[0].item.id, "n1");
  const [report] = sent(granted, "report");
  assert.deepEqual([report.item, report.status, report.position_ms], ["n1", "playing", 8_050]);
  assert.equal(world.client.standalone, undefined);
});

test("without a lease it is silent when the server is back, and plays on when it is granted one", () => {
  const world = new World();
  world.step({ type: "tick" });
  world.step({ type: "closed" });
  world.pass(5_000);
  assert.ok(mayPlayStandalone(world.client, world.local_us), "a page that was opened without the server");
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  const outputs = back(world.pass(2_000));
  assert.equal(of(outputs, "silence").length, 1);
  assert.equal(sent(outputs, "command")[0].position_ms, 2_000);
  const sound = of(
    world.grant({ ...kept[0], id: "n1" }, { position_ms: 2_000, by: { device_id: ME.id, command_id: "w1" } }),
    "sound",
  );
  assert.equal(sound[0].position_ms, 2_000);
});

test("a session that has changed meanwhile is not disturbed", () => {
  const active = { device_id: OTHER.id, instance: OTHER.instance, lease: /** @type {Stamp} */ ([1, 90]) };
  const world = cutOff();
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  const outputs = back(world, { active, turn: [1, 90], intent: "play", status: "playing", item: two });
  assert.deepEqual(sent(outputs, "command"), []);
  assert.equal(of(outputs, "silence").length, 1);
  assert.equal(world.client.view?.item?.id, "2");

  const fresh = new World();
  fresh.step({ type: "tick" });
  fresh.step({ type: "closed" });
  begin(fresh);
  assert.deepEqual(sent(back(fresh, { active, intent: "play", status: "playing", item: two }), "command"), []);
});

test("a start that the server refuses ends, and the session holds", () => {
  const world = cutOff();
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  back(world);
  const [sound] = of(world.hear({ type: "reject", id: "w1", code: "invalid", message: "unknown tracks" }), "sound");
  assert.equal(sound.item.id, "1");
  assert.equal(world.client.standalone, undefined);
});

test("a server that is lost before its answer gets the command again", () => {
  const world = cutOff();
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  back(world.pass(1_000));
  world.step({ type: "closed" });
  assert.deepEqual(
    sent(back(world.pass(1_000)), "command").map(({ position_ms }) => position_ms),
    [2_000],
  );
});

test("a standalone pause is a pause of the session too", () => {
  const world = cutOff();
  begin(world);
  world.step({ type: "started", item: kept[0], position_ms: 0, since_us: world.local_us });
  world.step({ type: "command", id: "p", op: { op: "pause" } });
  const outputs = back(world);
  assert.deepEqual(
    sent(outputs, "command").map(({ op }) => op),
    ["play", "pause"],
  );
  assert.deepEqual(of(outputs, "sound"), []);
  assert.deepEqual(
    of(world.show({ intent: "pause", status: "paused", by: { device_id: ME.id, command_id: "w1" } }, true), "sound"),
    [],
  );
  assert.equal(world.client.standalone, undefined);
});

test("nothing starts standalone with a server, in strict mode, or while another device plays", () => {
  const world = new World();
  world.welcome();
  assert.ok(!mayPlayStandalone(world.client, world.local_us));
  const active = { device_id: OTHER.id, instance: OTHER.instance, lease: /** @type {Stamp} */ ([1, 11]) };
  world.show({ intent: "play", status: "playing", item: one, active }, true);
  world.step({ type: "closed" });
  world.pass(60_000);
  assert.ok(!mayPlayStandalone(world.client, world.local_us), "another device plays");
  const strict = new World();
  strict.welcome("c1", { audio_ms: 5_000, lease_ms: 5_000 });
  strict.grant(one);
  strict.step({ type: "closed" });
  assert.ok(!mayPlayStandalone(strict.client, strict.local_us), "strict mode");
  const brief = new World();
  brief.welcome();
  brief.step({ type: "closed" });
  assert.ok(!mayPlayStandalone(brief.client, brief.local_us), "a short break");
  assert.ok(mayPlayStandalone(brief.pass(3_000).client, brief.local_us));
});

test("cut off, what sounds is shown with its place, also when it has gone on to another item", () => {
  const world = cutOff();
  assert.equal(world.client.view?.item?.id, "1");
  world.step({ type: "finished", since_us: world.local_us, went_on: true });
  world.pass(3_000);
  const { view } = world.client;
  assert.deepEqual([view?.item?.id, view?.next?.id, view?.status], ["2", "3", "playing"]);
  assert.equal(world.client.positionAt(world.local_us), 3_000);
  world.step({ type: "stalled" });
  assert.deepEqual([world.client.view?.status, world.client.positionAt(world.local_us)], ["buffering", 3_000]);
});

test("cut off, a pause keeps item and place, and the session gets both when it is back", () => {
  const world = cutOff();
  world.step({ type: "finished", since_us: world.local_us, went_on: true });
  world.pass(3_000);
  const outputs = world.step({ type: "command", id: "a0", op: { op: "pause" } });
  assert.deepEqual([of(outputs, "silence").length, of(outputs, "answered").length], [1, 1], "at once");
  world.pass(60_000).step({ type: "tick" });
  const shown = () => [world.client.view?.item?.id, world.client.view?.intent, world.client.positionAt(world.local_us)];
  assert.deepEqual(shown(), ["2", "pause", 3_000]);
  const [sound] = of(world.step({ type: "command", id: "a1", op: { op: "play" } }), "sound");
  assert.deepEqual([sound.item.id, sound.position_ms], ["2", 3_000], "it goes on from there");
  world.step({ type: "started", item: two, position_ms: 3_000, since_us: world.local_us });
  world.pass(1_000).step({ type: "command", id: "a2", op: { op: "pause" } });
  const told = sent(back(world, { status: "lost" }), "command");
  assert.deepEqual(
    told.map(({ op, item, position_ms }) => [op, item, position_ms]),
    [
      ["play", "2", 4_000],
      ["pause", undefined, undefined],
    ],
  );
  assert.notEqual(told[0].id, told[1].id);
});

test("cut off, the end of the queue and the end of the time for it offer to play", () => {
  const world = cutOff();
  world.client.ahead = [one, two];
  world.step({ type: "finished", since_us: world.local_us, went_on: true });
  world.pass(60_000).step({ type: "finished", since_us: world.local_us, went_on: false });
  assert.deepEqual([world.client.view?.item?.id, world.client.view?.intent], ["2", "pause"]);
  const late = cutOff();
  late.client.playback = { .../** @type {Playback} */ (late.client.playback), next: undefined };
  late.started({ ...one, duration_ms: 3_600_000 });
  late.client.audio = /** @type {any} */ ({ ...late.client.audio, item: { ...one, duration_ms: 3_600_000 } });
  late.pass(700_000).step({ type: "tick" });
  assert.equal(late.client.audio.kind, "silent");
  assert.deepEqual([late.client.view?.item?.id, late.client.view?.intent], ["1", "pause"]);
  assert.equal(late.client.positionAt(late.local_us), late.client.positionAt(late.local_us + 5_000_000), "it stands");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ME, OTHER, World, item, of, sent } from "./world.js";

/** @import {Stamp} from "../../../player/rules/types.js" */

const one = item("1");
/** @type {Stamp} */
const GRANTED = [1, 40];

/** This device plays, and the music is to go to another one. */
function source() {
  const world = new World();
  world.welcome();
  world.grant(one);
  world.started(one);
  world.pass(10_000);
  const deadline_us = world.now() + 5_000_000;
  assert.deepEqual(
    of(world.show({ transfer: { to: OTHER.id, deadline_us } }), "silence"),
    [],
    "it sounds while the target loads",
  );
  const switch_at_us = world.now() + 400_000;
  const outputs = world.show({ transfer: { to: OTHER.id, lease: GRANTED, deadline_us, switch_at_us } });
  return { world, outputs, switch_at_us };
}

/** The grant that follows an accepted `yield`. @param {World} world @param {number} from_us */
function switched(world, from_us) {
  const active = { device_id: OTHER.id, instance: OTHER.instance, lease: GRANTED, from_us, source: ME.id };
  return world.show({ active, transfer: undefined });
}

test("the source promises silence from the instant on, and the audio is told (R7)", () => {
  const { world, outputs, switch_at_us } = source();
  assert.deepEqual(of(outputs, "until"), [{ type: "until", at_us: switch_at_us }]);
  const [said] = sent(outputs, "yield");
  assert.deepEqual([said.to, said.seen], [GRANTED, [1, world.revision]]);
  assert.deepEqual(of(outputs, "silence"), []);
});

test("the source plays until the switch and no longer", () => {
  const { world, switch_at_us } = source();
  assert.deepEqual(of(switched(world, switch_at_us), "silence"), []);
  world.pass(399);
  assert.deepEqual(of(world.step({ type: "tick" }), "silence"), []);
  world.pass(2);
  assert.equal(of(world.step({ type: "tick" }), "silence").length, 1);
});

test("a source that wakes up does not know its clock, so its promised silence begins at once", () => {
  const { world } = source();
  assert.equal(of(world.pass(100).step({ type: "wake" }), "silence").length, 1);
});

/** The last sixteen probes took half a second. @param {World} world */
function knowsItsClockBadly(world) {
  for (let probe = 0; probe < 16; probe += 1) {
    const client_us = world.local_us;
    const middle_us = world.pass(250).now();
    world.pass(250).hear({ type: "time", client_us, received_us: middle_us, sent_us: middle_us });
  }
}

test("a bad clock makes a gap: the source is silent earlier by its clock's error bound beyond 20 ms", () => {
  const { world } = source();
  world.show({ transfer: undefined });
  knowsItsClockBadly(world);
  const switch_at_us = world.now() + 400_000;
  const outputs = world.show({
    transfer: { to: OTHER.id, lease: GRANTED, deadline_us: world.now() + 5_000_000, switch_at_us },
  });
  assert.deepEqual(
    of(outputs, "until").map(({ at_us }) => at_us),
    [switch_at_us - 230_000],
  );
  switched(world, switch_at_us);
  assert.deepEqual(of(world.pass(169).step({ type: "tick" }), "silence"), []);
  assert.equal(of(world.pass(1).step({ type: "tick" }), "silence").length, 1);
});

test("a bad clock makes a gap: the target starts later by as much, from the same place", () => {
  const world = new World();
  world.welcome();
  knowsItsClockBadly(world);
  const from_us = world.now() + 400_000;
  const active = { device_id: ME.id, instance: ME.instance, lease: GRANTED, from_us, source: OTHER.id };
  const shown = { intent: "play", status: "starting", item: one, position_ms: 7_000, at_us: world.now(), active };
  const [sound] = of(world.show(/** @type {any} */ (shown), true), "sound");
  assert.deepEqual([sound.from_us, sound.position_ms], [from_us + 230_000, 7_000]);
});

test("T100: a source whose switch never comes is silent, reports its place, and plays on after the transfer", () => {
  const { world } = source();
  world.pass(401);
  const outputs = world.step({ type: "tick" });
  assert.equal(of(outputs, "silence").length, 1);
  const [report] = sent(outputs, "report");
  assert.equal(report.status, "buffering");
  assert.ok(Math.abs(report.position_ms - 10_401) <= 1);
  const [sound] = of(world.show({ transfer: undefined, status: "buffering", position_ms: 10_401 }), "sound");
  assert.equal(sound.position_ms, 10_401);
});

test("T92: a cancelled transfer cancels the promise", () => {
  const { world } = source();
  const outputs = world.show({ transfer: undefined });
  assert.deepEqual(of(outputs, "until"), [{ type: "until", at_us: undefined }]);
  world.pass(500);
  assert.deepEqual(of(world.step({ type: "tick" }), "silence"), []);
});

test("a grant to another device than promised silences the source at once", () => {
  const { world, switch_at_us } = source();
  const active = {
    device_id: OTHER.id,
    instance: OTHER.instance,
    lease: /** @type {Stamp} */ ([1, 41]),
    from_us: switch_at_us,
    source: ME.id,
  };
  assert.equal(of(world.show({ active, transfer: undefined }), "silence").length, 1);
});

/** The music is to come to this device. */
function target() {
  const world = new World();
  const active = { device_id: OTHER.id, instance: OTHER.instance, lease: /** @type {Stamp} */ ([1, 5]) };
  Object.assign(world.playback, { intent: "play", status: "playing", item: one, active, at_us: world.now() });
  world.welcome();
  world.pass(20_000);
  const deadline_us = world.now() + 5_000_000;
  const outputs = world.show({ transfer: { to: ME.id, instance: ME.instance, deadline_us } });
  return { world, outputs, deadline_us };
}

test("the target loads silently and reports when it is ready, under the source's lease and turn", () => {
  const { world, outputs } = target();
  assert.deepEqual(of(outputs, "sound"), []);
  assert.equal(of(outputs, "prepare")[0].position_ms, 20_000);
  const [ready] = sent(world.step({ type: "prepared", item: one }), "ready");
  assert.deepEqual([ready.lease, ready.turn, ready.item], [[1, 5], world.playback.turn, "1"]);
});

test("the target starts at the instant of the switch, where the music is by then, on the audio's clock", () => {
  const { world, deadline_us } = target();
  world.step({ type: "prepared", item: one });
  const from_us = world.now() + 400_000;
  assert.deepEqual(
    of(world.show({ transfer: { to: ME.id, lease: GRANTED, deadline_us, switch_at_us: from_us } }), "sound"),
    [],
  );
  const active = { device_id: ME.id, instance: ME.instance, lease: GRANTED, from_us, source: OTHER.id };
  const outputs = world.show({ active, transfer: undefined });
  const [sound] = of(outputs, "sound");
  assert.deepEqual([sound.from_us, sound.position_ms], [from_us, 20_400]);
  assert.deepEqual(sent(outputs, "report"), [], "nothing is said before it sounds");
  world.pass(400);
  const [report] = sent(world.started(one, 20_400), "report");
  assert.deepEqual([report.status, report.lease], ["playing", GRANTED]);
});

test("a grant that comes after its instant starts at once, from the place of the switch", () => {
  const { world } = target();
  world.step({ type: "prepared", item: one });
  const from_us = world.now() - 50_000;
  const active = { device_id: ME.id, instance: ME.instance, lease: GRANTED, from_us, source: OTHER.id };
  const [sound] = of(world.show({ active, transfer: undefined }), "sound");
  assert.deepEqual([sound.from_us, sound.position_ms], [undefined, 19_950]);
});

test("T93: the target of a switch that is cancelled before its instant never plays", () => {
  const { world } = target();
  world.step({ type: "prepared", item: one });
  const active = {
    device_id: ME.id,
    instance: ME.instance,
    lease: GRANTED,
    from_us: world.now() + 400_000,
    source: OTHER.id,
  };
  world.show({ active, transfer: undefined });
  const later = { device_id: OTHER.id, instance: OTHER.instance, lease: /** @type {Stamp} */ ([1, 41]) };
  assert.equal(of(world.show({ active: later }), "silence").length, 1);
});

test("a seek while it loads makes the target load again", () => {
  const { world } = target();
  world.step({ type: "prepared", item: one });
  const outputs = world.show({ position_ms: 50_000, at_us: world.now() }, true);
  assert.equal(of(outputs, "prepare")[0].position_ms, 50_000);
});

test("a transfer that is cancelled drops what was loaded", () => {
  const { world } = target();
  assert.equal(of(world.show({ transfer: undefined }), "silence").length, 1);
});

test("a server that hands over at once, without a prepare phase, works as well", () => {
  const world = new World();
  world.welcome();
  assert.equal(of(world.grant(one, { position_ms: 9_000, status: "starting" }), "sound")[0].position_ms, 9_000);
});

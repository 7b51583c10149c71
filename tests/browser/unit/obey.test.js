import assert from "node:assert/strict";
import { test } from "node:test";
import { ME, OTHER, World, item, of, sent } from "./world.js";

const one = item("1");
const two = item("2");

test("T74: a new page plays nothing and asks for nothing, whatever plays elsewhere", () => {
  const world = new World();
  const active = { device_id: OTHER.id, instance: OTHER.instance, lease: /** @type {[number, number]} */ ([1, 5]) };
  world.playback = { ...world.playback, intent: "play", status: "playing", item: one, active };
  const outputs = world.welcome();
  assert.deepEqual(of(outputs, "sound"), []);
  assert.deepEqual(sent(outputs, "command"), []);
});

test("a reloaded page does not have the lease of its earlier instance", () => {
  const world = new World();
  const active = { device_id: ME.id, instance: OTHER.instance, lease: /** @type {[number, number]} */ ([1, 5]) };
  world.playback = { ...world.playback, intent: "play", status: "lost", item: one, active };
  assert.deepEqual(of(world.welcome(), "sound"), []);
});

test("a grant plays the item, which is reported under its lease and turn", () => {
  const world = new World();
  world.welcome();
  const [sound] = of(world.grant(one, { position_ms: 3_000 }), "sound");
  assert.equal(sound.item.id, "1");
  assert.equal(sound.position_ms, 3_000);
  const [report] = sent(world.started(one, 3_000), "report");
  assert.deepEqual([report.status, report.position_ms, report.lease], ["playing", 3_000, [1, 11]]);
  assert.deepEqual(report.turn, world.playback.turn);
});

test("the same playback twice starts the item once (T05)", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  assert.deepEqual(of(world.hear({ type: "playback", ...world.playback }), "sound"), []);
});

test("while an earlier holder may still play, the new one is silent (R1)", () => {
  const world = new World();
  world.welcome();
  const after = [
    {
      device_id: OTHER.id,
      instance: OTHER.instance,
      lease: /** @type {[number, number]} */ ([1, 5]),
      since: /** @type {[number, number]} */ ([1, 11]),
    },
  ];
  assert.deepEqual(of(world.grant(one, { after }), "sound"), []);
  assert.equal(of(world.show({ after: [] }), "sound").length, 1);
});

test("a replaced holder is silent before it confirms that (R1)", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  world.started(one);
  const lease = /** @type {[number, number]} */ (world.playback.active?.lease);
  const active = { device_id: OTHER.id, instance: OTHER.instance, lease: /** @type {[number, number]} */ ([1, 12]) };
  const after = [{ device_id: ME.id, instance: ME.instance, lease, since: /** @type {[number, number]} */ ([1, 12]) }];
  const outputs = world.show({ active, after }, true);
  const kinds = outputs.map((output) => (output.type === "send" ? output.frame.type : output.type));
  assert.ok(kinds.indexOf("silence") >= 0 && kinds.indexOf("silence") < kinds.indexOf("yield"), kinds.join());
  assert.deepEqual(sent(outputs, "yield")[0], { type: "yield", lease, seen: [1, 12] });
});

test("an older playback is not obeyed (T01)", () => {
  const world = new World();
  world.welcome();
  const old = { ...world.playback };
  world.grant(one);
  world.started(one);
  assert.deepEqual(world.hear({ type: "playback", ...old }), []);
});

test("pause stops the audio, and play continues from the same place (T13)", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  world.started(one);
  world.pass(10_000);
  assert.equal(
    of(world.show({ intent: "pause", status: "paused", position_ms: 10_000, at_us: world.now() }, true), "silence")
      .length,
    1,
  );
  world.pass(60_000);
  const [sound] = of(world.show({ intent: "play", status: "starting" }, true), "sound");
  assert.equal(sound.position_ms, 10_000);
});

test("a seek to the place of the audio changes nothing; one to another place starts it there", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  world.started(one);
  world.pass(5_000);
  const anchor = { position_ms: 5_010, at_us: world.now() };
  assert.deepEqual(of(world.show(anchor, true), "sound"), []);
  const [sound] = of(world.show({ position_ms: 30_000, at_us: world.now(), status: "starting" }, true), "sound");
  assert.equal(sound.position_ms, 30_000);
});

test("T12: the place does not advance before the device reports that it plays", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  world.pass(40 * 60_000);
  assert.equal(world.client.positionAt(world.local_us), 0);
});

test("T71: a browser that may not play sound says so, and plays after a user's action", () => {
  const world = new World();
  world.welcome();
  world.grant(one, { position_ms: 7_000 });
  assert.equal(sent(world.step({ type: "blocked" }), "report")[0].status, "blocked");
  const [sound] = of(world.step({ type: "unblocked" }), "sound");
  assert.equal(sound.position_ms, 7_000);
  assert.equal(sent(world.started(one, 7_000), "report")[0].status, "playing");
});

test("at the end the next item follows at once, and the end is reported until the server knows it (R14)", () => {
  const world = new World();
  world.welcome();
  const [follow] = of(world.grant(one, { next: two }), "follow");
  assert.equal(follow.item.id, "2");
  world.started(one, 59_000);
  world.pass(1_000);
  const outputs = world.step({ type: "finished", since_us: world.local_us, went_on: true });
  assert.deepEqual(of(outputs, "sound"), [], "the audio has gone on by itself");
  const [ended] = sent(outputs, "ended");
  assert.deepEqual([ended.item, ended.to_item, ended.position_ms], ["1", "2", 0]);
  world.pass(1_100);
  const [again] = sent(world.step({ type: "tick" }), "ended");
  assert.equal(again.position_ms, 1_100, "with the place it has come to");
  const known = world.show(
    { item: two, next: undefined, position_ms: 0, at_us: world.now() - 1_100_000, status: "playing" },
    true,
  );
  assert.deepEqual(of(known, "sound"), [], "it is there already");
  world.pass(5_000);
  assert.deepEqual(sent(world.step({ type: "tick" }), "ended"), []);
});

test("the next item is told again when it changes", () => {
  const world = new World();
  world.welcome();
  world.grant(one, { next: two });
  assert.equal(of(world.show({ next: item("3") }), "follow")[0].item.id, "3");
  assert.equal(of(world.show({ next: undefined }), "follow")[0].item, undefined);
  assert.deepEqual(of(world.show({ repeat: "off" }), "follow"), []);
});

test("the end of the last item is silence", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  world.started(one, 59_000);
  world.pass(1_000);
  const outputs = world.step({ type: "finished", since_us: world.local_us, went_on: false });
  assert.equal(of(outputs, "silence").length, 1);
  assert.equal(sent(outputs, "ended")[0].to_item, undefined);
});

test("cut off, it plays on for audio_ms and no longer (T99)", () => {
  const world = new World();
  world.welcome();
  world.grant(item("1", 3_600_000));
  world.started(item("1", 3_600_000));
  world.client.limits = { ...world.client.limits, audio_ms: 60_000 };
  world.step({ type: "closed", code: 1006 });
  world.pass(59_000);
  assert.deepEqual(of(world.step({ type: "tick" }), "silence"), []);
  world.pass(1_100);
  assert.equal(of(world.step({ type: "tick" }), "silence").length, 1);
});

test("an item that cannot be played is reported, under the lease", () => {
  const world = new World();
  world.welcome();
  world.grant(one);
  assert.equal(sent(world.step({ type: "failed" }), "report")[0].status, "failed");
});

test("strict mode: it sounds until the lease since the last ping runs out, less the error bound of its clock", () => {
  const world = new World();
  world.welcome("c1", { lease_ms: 5_000, audio_ms: 5_000 });
  world.grant(one);
  world.started(one);
  const start_us = world.local_us;
  world.pass(3_000).hear({ type: "ping", now_us: world.now() });
  world.client.time.learn(world.local_us - 2_000, world.now(), world.now(), world.local_us);
  while (world.client.audio.kind === "sounding") {
    if (world.local_us > start_us + 20_000_000) assert.fail("it never fell silent");
    // Another frame comes, and the socket stays open.
    world.client.link.receive(world.local_us);
    world.toDeadline();
  }
  assert.ok(
    world.local_us - start_us <= 8_000_000 && world.local_us - start_us > 7_990_000,
    `${world.local_us - start_us}`,
  );
  const [sound] = of(world.hear({ type: "ping", now_us: world.now() }), "sound");
  assert.equal(sound.item.id, "1", "the next ping lets it go on");
});

test("strict mode: a worse clock ends the lease earlier, but takes nothing back that was allowed", () => {
  const world = new World();
  world.welcome("c1", { lease_ms: 5_000, audio_ms: 5_000 });
  const { link } = world.client;
  const exact_us = world.local_us + 5_000_000;
  assert.equal(link.allowed_us, exact_us, "an answer at once leaves no error");
  let { allowed_us } = link;
  for (let probe = 0; probe < 8; probe += 1) {
    const client_us = world.local_us;
    const middle_us = world.pass(100).now();
    world.pass(100).hear({ type: "time", client_us, received_us: middle_us, sent_us: middle_us });
    const before_us = allowed_us;
    allowed_us = link.allowed_us;
    assert.ok(allowed_us > before_us, `an answer prolongs the lease: ${allowed_us - before_us}`);
  }
  const bound_us = world.client.time.bound_us() ?? 0;
  assert.ok(bound_us >= 100_000, `${bound_us}`);
  world.hear({ type: "ping", now_us: world.now() });
  assert.equal(Math.round(link.allowed_us), Math.round(world.local_us + 5_000_000 - bound_us));
});

test("strict mode: a late grant is not carried out", () => {
  const world = new World();
  world.welcome("c1", { lease_ms: 5_000, audio_ms: 5_000 });
  world.pass(6_000);
  assert.deepEqual(of(world.grant(one), "sound"), []);
  assert.equal(of(world.hear({ type: "ping", now_us: world.now() }), "sound").length, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, item, of, sent } from "./world.js";

/** @param {World} world @param {string} id */
const pause = (world, id) => world.step({ type: "command", id, op: { op: "pause" } });

test("a server that says when to try again is asked again then, with the same id (rate_limited)", () => {
  const world = new World();
  world.welcome();
  pause(world, "w1");
  const start_us = world.local_us;
  assert.deepEqual(
    world.hear({ type: "reject", id: "w1", code: "rate_limited", message: "too much", retry_ms: 150 }),
    [],
  );
  assert.deepEqual(sent(world.pass(149).step({ type: "tick" }), "command"), []);
  const outputs = world.toDeadline();
  assert.deepEqual(
    sent(outputs, "command").map(({ id }) => id),
    ["w1"],
  );
  assert.equal(world.local_us - start_us, 150_000);
  assert.deepEqual(sent(world.pass(500).step({ type: "tick" }), "command"), [], "once");
  assert.equal(of(world.hear({ type: "ack", id: "w1", revision: 12 }), "answered")[0].revision, 12);
});

test("a refusal without a time to wait, or with a long one, is told at once", () => {
  const world = new World();
  world.welcome();
  for (const [index, retry_ms] of [undefined, 0, 3_600_000].entries()) {
    pause(world, `w${index}`);
    const [answer] = of(
      world.hear({ type: "reject", id: `w${index}`, code: "rate_limited", message: "too much", retry_ms }),
      "answered",
    );
    assert.equal(answer.refusal.code, "rate_limited");
  }
});

test("a server that never stops asking to wait is given up after five minutes", () => {
  const world = new World();
  world.welcome();
  pause(world, "w1");
  for (let second = 0; second < 300; second += 1) {
    assert.deepEqual(
      of(world.hear({ type: "reject", id: "w1", code: "unavailable", message: "later", retry_ms: 1_000 }), "answered"),
      [],
    );
    world.pass(1_001).step({ type: "tick" });
  }
  assert.equal(
    of(world.hear({ type: "reject", id: "w1", code: "unavailable", message: "later", retry_ms: 1_000 }), "answered")
      .length,
    1,
  );
});

test("of two commands that are refused for now, one is sent again, and the other once the first is answered", () => {
  const world = new World();
  world.welcome();
  for (const id of ["w1", "w2"]) {
    pause(world, id);
    world.hear({ type: "reject", id, code: "rate_limited", message: "too much", retry_ms: 100 });
  }
  const said = () => sent(world.pass(100).step({ type: "tick" }), "command").map(({ id }) => id);
  assert.deepEqual(said(), ["w1"]);
  assert.deepEqual(said(), [], "it has no answer yet");
  world.hear({ type: "reject", id: "w1", code: "rate_limited", message: "too much", retry_ms: 100 });
  assert.deepEqual(said(), ["w1"]);
  world.hear({ type: "ack", id: "w1", revision: 20 });
  assert.deepEqual(said(), ["w2"]);
});

test("a command that is to be sent again waits for the connection, and is then sent once", () => {
  const world = new World();
  world.welcome();
  pause(world, "w1");
  world.hear({ type: "reject", id: "w1", code: "rate_limited", message: "too much", retry_ms: 100 });
  world.step({ type: "closed", code: 1006 }, 0);
  const outputs = [...world.pass(1_000).welcome(), ...world.pass(1_000).step({ type: "tick" })];
  assert.equal(sent(outputs, "command").length, 1);
});

test("a command that is more than five minutes old is not sent again", () => {
  const world = new World();
  pause(world, "old");
  pause(world.pass(200_000), "new");
  const outputs = world.pass(101_000).welcome();
  assert.deepEqual(
    sent(outputs, "command").map(({ id }) => id),
    ["new"],
  );
  assert.deepEqual(
    of(outputs, "answered").map(({ id, refusal }) => [id, refusal.code]),
    [["old", "unavailable"]],
  );
});

test("cut off, a pause takes effect at once, and the server's older intent does not undo it", () => {
  const world = new World();
  world.welcome();
  const one = item("1");
  world.grant(one);
  world.started(one);
  world.step({ type: "closed", code: 1006 }, 0);
  assert.equal(of(pause(world.pass(2_000), "w1"), "silence").length, 1);
  const outputs = world.pass(1_000).welcome();
  assert.deepEqual(of(outputs, "sound"), [], "the session still says play");
  assert.deepEqual(
    sent(outputs, "command").map(({ op, item, position_ms }) => [op, item, position_ms]),
    [
      ["play", "1", 2_000],
      ["pause", undefined, undefined],
    ],
    "the place is told, too",
  );
  const [{ id }] = sent(outputs, "command");
  assert.deepEqual(of(world.show({ intent: "play", status: "starting" }, true), "sound"), [], "the first of the two");
  world.hear({ type: "ack", id, revision: 19 });
  world.hear({ type: "ack", id: "w1", revision: 20 });
  assert.deepEqual(of(world.show({ intent: "pause", status: "paused" }, true), "sound"), []);
  assert.equal(of(world.show({ intent: "play", status: "starting" }, true), "sound").length, 1);
});

test("cut off, a pause that is refused later lets the music go on", () => {
  const world = new World();
  world.welcome();
  const one = item("1");
  world.grant(one);
  world.started(one);
  world.step({ type: "closed", code: 1006 }, 0);
  pause(world, "w1");
  const [{ id }] = sent(world.welcome(), "command");
  world.hear({ type: "ack", id, revision: 19 });
  assert.equal(of(world.hear({ type: "reject", id: "w1", code: "stale", message: "no" }), "sound").length, 1);
});

/** A device that plays, and has sent a pause that nobody has answered. */
function unanswered() {
  const world = new World();
  world.welcome();
  const one = item("1");
  world.grant(one);
  world.started(one);
  assert.deepEqual(of(pause(world.pass(2_000), "w1"), "silence"), [], "with a server, the server decides");
  return world.pass(1_000);
}

test("a pause without an answer is carried out here when the connection is lost, and the server gets it", () => {
  const world = unanswered();
  const outputs = world.step({ type: "closed", code: 1006 }, 0);
  assert.deepEqual([of(outputs, "silence").length, of(outputs, "answered").length], [1, 1]);
  const { view } = world.client;
  assert.deepEqual([view?.intent, view?.item?.id, world.client.positionAt(world.local_us)], ["pause", "1", 3_000]);
  assert.deepEqual(
    sent(world.pass(1_000).welcome(), "command").map(({ op, item, position_ms }) => [op, item, position_ms]),
    [
      ["play", "1", 3_000],
      ["pause", undefined, undefined],
    ],
  );
});

test("a server that stops answering is noticed, and the pause is carried out then", () => {
  const world = unanswered();
  const start_us = world.local_us;
  let outputs = world.toDeadline();
  while (of(outputs, "disconnect").length === 0) outputs = world.toDeadline();
  assert.equal(of(outputs, "silence").length, 1);
  assert.ok(world.local_us - start_us <= 5_500_000, `${world.local_us - start_us} µs`);
});

test("a pause without an answer that has arrived is not sent again: the session has another turn", () => {
  const world = unanswered();
  world.step({ type: "closed", code: 1006 }, 0);
  world.playback = { ...world.playback, revision: 12, turn: [1, 12], intent: "pause", status: "paused" };
  world.revision = 12;
  const outputs = world.pass(1_000).welcome();
  assert.deepEqual([...sent(outputs, "command"), ...of(outputs, "sound")], []);
  assert.equal(world.client.view?.intent, "pause");
});

test("in strict mode, and with another command after it, a pause without an answer is sent again, in silence", () => {
  for (const limits of [{}, { audio_ms: 5_000, lease_ms: 5_000 }]) {
    const world = new World();
    world.welcome("c1", limits);
    const one = item("1");
    world.grant(one);
    world.started(one);
    world.step({ type: "command", id: "w1", op: { op: "pause" } });
    if (!("audio_ms" in limits)) world.step({ type: "command", id: "w2", op: { op: "seek", position_ms: 9_000 } });
    assert.equal(of(world.step({ type: "closed", code: 1006 }, 0), "silence").length, 1);
    assert.ok(world.client.pendingCommands.wantsSilence(), "the button shows it");
    const outputs = world.pass(1_000).welcome("c1", limits);
    assert.equal(sent(outputs, "command")[0].op, "pause");
    assert.deepEqual(of(outputs, "sound"), []);
  }
});

test("a play after a pause, both without an answer, lets the music go on", () => {
  const world = unanswered();
  world.step({ type: "command", id: "w2", op: { op: "play" } });
  assert.deepEqual(of(world.step({ type: "closed", code: 1006 }, 0), "silence"), []);
});

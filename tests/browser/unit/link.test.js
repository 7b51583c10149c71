import assert from "node:assert/strict";
import { test } from "node:test";
import { ME, OFFSET_US, World, item, of, sent } from "./world.js";
import { ServerTime } from "../../../player/rules/clock.js";
import { steer } from "../../../player/rules/audio.js";

test("it connects at once, sends its hello, and probes the clock", () => {
  const world = new World();
  assert.equal(of(world.step({ type: "tick" }), "connect").length, 1);
  const outputs = world.step({ type: "opened" });
  const [hello] = sent(outputs, "hello");
  assert.deepEqual([hello.token, hello.device.id], ["token", ME.id]);
  assert.equal(sent(outputs, "time").length, 1);
});

test("the first wait is a random part of the server's jitter, the later ones double up to 5 s (R12)", () => {
  const world = new World();
  world.welcome();
  world.step({ type: "closed", code: 1006 }, 0.5);
  assert.equal(world.client.nextDeadline(world.local_us), world.local_us + 500_000);
  let longest_us = 0;
  for (let attempt = 0; attempt < 12; attempt += 1) {
    world.toDeadline();
    world.step({ type: "closed", code: 1006 }, 1);
    longest_us = world.client.nextDeadline(world.local_us) - world.local_us;
  }
  assert.equal(longest_us, 5_000_000);
});

test("waking up tries at once", () => {
  const world = new World();
  world.welcome();
  world.step({ type: "closed", code: 1006 }, 1);
  assert.equal(of(world.step({ type: "wake" }), "connect").length, 1);
});

test("a code from 4500 on means to stay away; others do not", () => {
  const away = new World();
  away.welcome();
  assert.equal(of(away.step({ type: "closed", code: 4501 }), "give_up").length, 1);
  assert.equal(away.client.nextDeadline(away.local_us), Infinity);
  const back = new World();
  back.welcome();
  assert.deepEqual(of(back.step({ type: "closed", code: 4001 }), "give_up"), []);
});

test("a server that does not answer is noticed after 35 s when idle, 6.5 s when active (R8)", () => {
  for (const [isActive, bound_ms] of /** @type {[boolean, number][]} */ ([
    [false, 35_000],
    [true, 6_500],
  ])) {
    const world = new World();
    world.welcome();
    if (isActive) world.grant(item("1"));
    world.hear({ type: "ping", now_us: world.now() });
    const start_us = world.local_us;
    for (let ticks = 0; world.client.isWelcomed() && ticks < 50; ticks += 1) world.toDeadline();
    assert.ok(world.local_us - start_us <= bound_ms * 1000 + 10, `${isActive}: ${world.local_us - start_us}`);
  }
});

test("T54: a hidden page whose timers come once a minute stays connected", () => {
  const world = new World();
  answer(world, sent(world.welcome(), "time"));
  for (let minute = 0; minute < 15; minute += 1) {
    world.pass(60_000);
    const outputs = world.step({ type: "tick" });
    assert.deepEqual(of(outputs, "disconnect"), []);
    const probes = sent(outputs, "time");
    assert.equal(probes.length, 1);
    answer(world, probes);
  }
  assert.ok(world.client.isWelcomed());
});

/**
 * The server answers probes; the answer to each one of a burst causes the next.
 * @param {World} world @param {any[]} probes
 */
function answer(world, probes) {
  for (const { client_us } of probes) {
    world.pass(5);
    probes.push(
      ...sent(world.hear({ type: "time", client_us, received_us: world.now(), sent_us: world.now() }), "time"),
    );
  }
}

test("T37: commands without an answer are sent again after the next welcome, answered ones are not", () => {
  const world = new World();
  world.welcome();
  world.step({ type: "command", id: "w1", op: { op: "pause" } });
  world.step({ type: "closed", code: 1006 }, 0);
  assert.deepEqual(
    sent(world.welcome(), "command").map((command) => command.id),
    ["w1"],
  );
  assert.equal(of(world.hear({ type: "ack", id: "w1", revision: 12 }), "answered").length, 1);
  assert.deepEqual(world.hear({ type: "ack", id: "w1", revision: 12 }), [], "answered once");
  world.step({ type: "closed", code: 1006 }, 0);
  assert.deepEqual(sent(world.welcome(), "command"), []);
});

test("T98: after a higher epoch on a live socket, commands without an answer are sent again", () => {
  const world = new World();
  world.welcome();
  world.step({ type: "command", id: "w1", op: { op: "pause" } });
  world.playback = { ...world.playback, epoch: 2 };
  assert.equal(sent(world.show({}), "command").length, 1);
});

test("next and previous carry the item the person saw", () => {
  const world = new World();
  world.welcome();
  world.grant(item("7"));
  const [command] = sent(world.step({ type: "command", id: "w", op: { op: "next" } }), "command");
  assert.equal(command.if_item, "7");
});

test("a 17th command that waits for its answer is refused here", () => {
  const world = new World();
  for (let index = 0; index < 16; index += 1) world.step({ type: "command", id: `w${index}`, op: { op: "pause" } });
  assert.equal(of(world.step({ type: "command", id: "w16", op: { op: "pause" } }), "answered")[0].refusal.code, "busy");
});

test("T70: only a higher version of the volume is applied, and the own one names the version it knew", () => {
  const world = new World();
  world.client.device.volume = { level: 40, muted: false, version: 3 };
  world.welcome();
  /** @param {number} revision @param {number} level @param {number} version */
  const devices = (revision, level, version) =>
    world.hear({
      type: "devices",
      epoch: 1,
      devices_revision: revision,
      devices: [{ id: ME.id, volume: { level, muted: false, version } }],
    });
  assert.deepEqual(of(devices(2, 90, 3), "volume"), []);
  assert.equal(of(devices(3, 90, 4), "volume")[0].level, 90);
  const [said] = sent(world.step({ type: "volume", level: 55, muted: false }), "volume");
  assert.deepEqual([said.level, said.version], [55, 4]);
});

test("the fastest probe decides, and its bound holds (T20)", () => {
  const time = new ServerTime();
  time.restart(0, OFFSET_US);
  const probes = [
    [0, 9_000, 100, 1_000],
    [100_000, 400, 50, 600],
    [200_000, 200_000, 10, 5_000],
  ];
  for (const [client_us, there_us, stay_us, back_us] of probes) {
    const received_us = client_us + there_us + OFFSET_US;
    time.learn(client_us, received_us, received_us + stay_us, client_us + there_us + stay_us + back_us);
  }
  const local_us = 60_000_000;
  assert.ok(Math.abs(time.at(local_us) - local_us - OFFSET_US) <= (time.bound_us() ?? 0));
  assert.equal(time.local(time.at(local_us), local_us), local_us);
});

test("a small correction of the clock is slewed, a large one stepped (T11)", () => {
  const time = new ServerTime();
  time.restart(0, OFFSET_US);
  // A slow answer first, as on a page that is still loading; better ones of the first burst count at once.
  time.learn(0, OFFSET_US + 60_000, OFFSET_US + 60_000, 61_000);
  for (let probe = 1; probe < 8; probe += 1) time.learn(0, OFFSET_US + 1_000, OFFSET_US + 1_000, 2_000);
  assert.equal(time.at(2_000), OFFSET_US + 2_000);
  assert.equal(time.bound_us(), 1_000);
  const before_us = time.at(2_000);
  time.renew();
  time.learn(2_000, OFFSET_US + 53_000, OFFSET_US + 53_000, 4_000);
  assert.ok(time.at(4_000) - before_us - 2_000 < 1_000, "no jump");
  assert.ok(Number(time.bound_us()) > 49_000, "and it says how far it may be off until then");
  assert.ok(Math.abs(time.at(20_000_000) - 20_000_000 - OFFSET_US - 50_000) < 100, "but there in the end");
  time.renew();
  time.learn(20_000_000, OFFSET_US + 30_000_000, OFFSET_US + 30_000_000, 20_002_000);
  assert.ok(time.at(20_002_000) - OFFSET_US > 29_000_000);
});

test("audio is corrected slowly towards the shown place, and not when it is there or far away", () => {
  assert.equal(steer(2), 1);
  assert.ok(steer(20) < 1 && steer(20) >= 0.998);
  assert.ok(steer(-20) > 1 && steer(-20) <= 1.002);
  assert.equal(steer(500), 1);
});

test("a frame that nobody knows is ignored", () => {
  const world = new World();
  world.welcome();
  assert.deepEqual(world.hear({ type: "confetti" }), []);
});

test("every ping is answered, also before the welcome: by it the server tells a device from its copy", () => {
  const world = new World();
  world.step({ type: "tick" });
  world.step({ type: "opened" });
  assert.equal(sent(world.hear({ type: "ping", now_us: world.now() }), "pong").length, 1);
  world.welcome();
  assert.equal(sent(world.hear({ type: "ping", now_us: world.now() }), "pong").length, 1);
});

test("the hello names the newest stamp that was shown, of playback or devices", () => {
  const world = new World();
  world.step({ type: "tick" });
  assert.equal(sent(world.step({ type: "opened" }), "hello")[0].seen, undefined);
  world.welcome();
  const again = () => {
    world.step({ type: "closed", code: 1006 }, 0);
    world.step({ type: "tick" });
    return sent(world.step({ type: "opened" }), "hello")[0].seen;
  };
  assert.deepEqual(again(), [1, 10]);
  world.hear({ type: "devices", epoch: 1, devices_revision: 14, devices: [] });
  assert.deepEqual(again(), [1, 14]);
  world.show({ epoch: 2 });
  assert.deepEqual(again(), [2, 11]);
});

test("a device that was sent away for flooding comes back after a while", () => {
  const world = new World();
  world.welcome();
  world.hear({ type: "goaway", code: 4008, reason: "flooding", reconnect: true, jitter_ms: 10_000 });
  world.step({ type: "closed", code: 4008 }, 0.5);
  assert.equal(world.client.nextDeadline(world.local_us), world.local_us + 5_000_000);
});

test("a device for which the list has no room says so and comes back when it was told to", () => {
  const world = new World();
  world.step({ type: "tick" });
  world.step({ type: "opened" });
  const goaway = { type: "goaway", code: 4009, reason: "too_many_devices", reconnect: true, jitter_ms: 100 };
  world.hear({ ...goaway, retry_ms: 10_000 });
  assert.deepEqual(
    world.step({ type: "closed", code: 4009 }, 0.5).filter(({ type }) => type === "give_up"),
    [],
  );
  assert.equal(world.client.link.why, 4009);
  assert.equal(world.client.nextDeadline(world.local_us), world.local_us + 10_125_000);
  world.local_us += 10_125_000;
  assert.deepEqual(
    world.step({ type: "tick" }).map(({ type }) => type),
    ["connect"],
  );
  world.step({ type: "opened" });
  world.welcome();
  assert.equal(world.client.link.why, undefined);
});

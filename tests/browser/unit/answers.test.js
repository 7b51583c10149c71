import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_MS, Answers, Refused } from "../../../player/device/answers.js";

/** @typedef {{outcome: string, late: string[], answers: Answers}} Case */

/**
 * A command `c` that was sent, what became of its promise so far, and what was refused late.
 * @param {import("node:test").TestContext} t @param {boolean} isConnected @returns {Case}
 */
function sent(t, isConnected) {
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {Case} */
  const known = { outcome: "none", late: [], answers: new Answers((error) => known.late.push(error.message)) };
  known.answers
    .of("c", () => isConnected)
    .then(
      () => (known.outcome = "done"),
      (error) => (known.outcome = error instanceof Refused ? error.code : error.name),
    );
  return known;
}

/** Lets what follows a promise happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("an answer resolves the promise, a refusal rejects it with its code", async (t) => {
  const known = sent(t, true);
  known.answers.answered("another");
  await settled();
  assert.equal(known.outcome, "none");
  known.answers.answered("c");
  await settled();
  assert.equal(known.outcome, "done");
  t.mock.timers.tick(ANSWER_MS.connected);
  const refused = sent(t, true);
  refused.answers.answered("c", { code: "busy", message: "too many" });
  await settled();
  assert.equal(refused.outcome, "busy");
  t.mock.timers.tick(ANSWER_MS.connected);
  for (const { answers } of [known, refused]) answers.answered("c", { code: "stale", message: "too late" });
  assert.deepEqual([...known.late, ...refused.late], [], "neither was reported as waiting");
});

for (const [isConnected, wait_ms] of /** @type {const} */ ([
  [true, ANSWER_MS.connected],
  [false, ANSWER_MS.away],
])) {
  test(`${isConnected ? "connected" : "cut off"}, a command without an answer waits after ${wait_ms} ms`, async (t) => {
    const known = sent(t, isConnected);
    t.mock.timers.tick(wait_ms - 1);
    await settled();
    assert.equal(known.outcome, "none");
    t.mock.timers.tick(1);
    await settled();
    assert.equal(known.outcome, "waiting");
    known.answers.answered("c", { code: "stale", message: "the item is not in the queue" });
    assert.equal(known.late.length, 1, "it was said that it will be done");
    assert.ok(known.late[0].endsWith("the item is not in the queue"));
  });
}

test("a command that waited and is then done says nothing more", async (t) => {
  const known = sent(t, false);
  t.mock.timers.tick(ANSWER_MS.away);
  known.answers.answered("c");
  known.answers.answered("c", { code: "stale", message: "a second answer counts for nothing" });
  await settled();
  assert.deepEqual([known.outcome, known.late], ["waiting", []]);
});

test("at the end open commands are aborted, those that were reported as waiting say nothing", async (t) => {
  const open = sent(t, true);
  open.answers.end();
  await settled();
  assert.equal(open.outcome, "AbortError");
  const waiting = sent(t, false);
  t.mock.timers.tick(ANSWER_MS.away);
  waiting.answers.end();
  waiting.answers.answered("c", { code: "stale", message: "nobody listens" });
  t.mock.timers.tick(ANSWER_MS.connected);
  await settled();
  assert.deepEqual([waiting.outcome, waiting.late], ["waiting", []]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE_MS, QUEUE_PAGE, QueuePages } from "../../../player/device/queue_pages.js";

/** @import {Playback} from "../../../player/rules/types.js" */

/** A playback whose queue has this revision. @param {number} queue_revision @param {number} [epoch] */
const shown = (queue_revision, epoch = 1) => /** @type {Playback} */ ({ epoch, queue_revision });

/** A page of the queue at this revision. @param {number} from @param {number} length @param {number} queue_revision */
function page(from, length, queue_revision) {
  const items = Array.from({ length }, (_, index) => ({ id: `e${from + index}`, media_id: `m${from + index}` }));
  return { epoch: 1, queue_revision, from, total: from + length, items };
}

test("an entry is known once its page is there", () => {
  const queue = new QueuePages();
  queue.show(shown(5));
  assert.equal(queue.entry(150), undefined);
  assert.ok(queue.add(page(QUEUE_PAGE, 60, 5)));
  assert.equal(queue.entry(150)?.id, "e150");
  assert.equal(queue.entry(QUEUE_PAGE)?.id, "e100");
  assert.equal(queue.entry(159)?.id, "e159");
  assert.equal(queue.entry(160), undefined);
  assert.equal(queue.entry(99), undefined);
  assert.deepEqual(
    [99, 100, 199, 200].map((index) => queue.has(index)),
    [false, true, true, false],
  );
});

test("a page is asked for once, and again when it does not come", () => {
  const queue = new QueuePages();
  queue.show(shown(5));
  assert.equal(queue.ask(150, 0), QUEUE_PAGE);
  assert.equal(queue.ask(101, 1), undefined, "it is on its way");
  assert.equal(queue.ask(99, 1), 0, "another page");
  assert.equal(queue.ask(150, PAGE_MS - 1), undefined);
  assert.equal(queue.ask(150, PAGE_MS), QUEUE_PAGE, "it did not come");
  queue.forgetAsked();
  assert.equal(queue.ask(150, PAGE_MS + 1), QUEUE_PAGE, "the socket on which it was asked for is closed");
  queue.add(page(QUEUE_PAGE, 60, 5));
  assert.equal(queue.ask(150, 10 * PAGE_MS), undefined, "it is there");
});

test("another revision or epoch of the queue forgets the pages, the same one does not", () => {
  const queue = new QueuePages();
  for (const playback of [shown(5), shown(6), shown(6, 2), undefined]) {
    queue.show(playback);
    assert.equal(queue.has(0), false);
    assert.equal(queue.ask(0, 0), 0, "nothing of the other revision is on its way");
    queue.add(page(0, 3, playback?.queue_revision ?? 0));
    queue.show(playback && { ...playback, position_ms: 1 });
    assert.equal(queue.has(0), playback !== undefined);
  }
});

test("a page of another revision is not taken", () => {
  const queue = new QueuePages();
  queue.show(shown(5));
  assert.equal(queue.add(page(0, 3, 4)), false);
  assert.equal(queue.has(0), false);
});

test("the known entries end at the first page that is not there, or at the end of the queue", () => {
  const queue = new QueuePages();
  queue.show(shown(5));
  assert.deepEqual(queue.known(), []);
  queue.add(page(2 * QUEUE_PAGE, 7, 5));
  assert.deepEqual(queue.known(), []);
  queue.add(page(0, QUEUE_PAGE, 5));
  assert.equal(queue.known().length, QUEUE_PAGE);
  queue.add(page(QUEUE_PAGE, QUEUE_PAGE, 5));
  assert.equal(queue.known().length, 2 * QUEUE_PAGE + 7);
  assert.equal(queue.known().at(-1)?.id, "e206");
  const empty = new QueuePages();
  empty.show(shown(5));
  empty.add(page(0, QUEUE_PAGE, 5));
  empty.add(page(QUEUE_PAGE, 0, 5));
  assert.equal(empty.known().length, QUEUE_PAGE, "a page without entries is the end");
});

test("an entry is found by its id in the pages that are there, also in those of a long answer", () => {
  const queue = new QueuePages();
  queue.show(shown(5));
  assert.equal(queue.indexOf("e0"), undefined);
  assert.ok(queue.addLong(page(2 * QUEUE_PAGE, QUEUE_PAGE + 30, 5)));
  assert.equal(queue.indexOf(`e${3 * QUEUE_PAGE + 29}`), 3 * QUEUE_PAGE + 29);
  assert.equal(queue.indexOf("e0"), undefined, "its page is not there");
  assert.ok(queue.has(2 * QUEUE_PAGE) && queue.has(3 * QUEUE_PAGE));
  assert.equal(queue.addLong(page(0, QUEUE_PAGE, 6)), false, "of another revision");
  assert.equal(queue.indexOf("e0"), undefined);
});

/** The whole queue, by the REST API: finding the current entry in it, clearing it, and bringing it back. */

import { ask, query } from "./api.js";
import { session } from "./session.js";

/** @import {QueuePage} from "./rules/types.js" */

/** Entries in one answer. */
const LONG_PAGE = 200;

/** @param {number} from @returns {Promise<QueuePage>} */
const pageFrom = (from) => ask(query("/me/player/queue", { from, limit: LONG_PAGE }));

/** Loads the queue from its beginning up to the current entry, unless it is known where that is. */
export async function findCurrent() {
  const player = session.current;
  const total = session.playback?.queue_length ?? 0;
  for (let from = 0; from < total && player.currentIndex() === undefined; from += LONG_PAGE) {
    if (!player.queue.addLong(await pageFrom(from))) return;
  }
  player.changed();
}

/** @typedef {{before: string[], after: string[], item?: string}} Cleared tracks around the entry `item`, which stays */

/** What was cleared last, until the queue is filled in another way. @type {Cleared | undefined} */
let cleared;

/** Whether the clearing can be undone. */
export function canRestore() {
  const { item, queue_length = 0 } = session.playback ?? {};
  return cleared !== undefined && queue_length < 2 && (!item || item.id === cleared.item);
}

/** Removes all entries but the current one, and remembers them. */
export async function clearQueue() {
  const first = await pageFrom(0);
  const others = [];
  for (let from = LONG_PAGE; from < first.total; from += LONG_PAGE) others.push(pageFrom(from));
  const items = [first, ...(await Promise.all(others))].flatMap((page) => page.items);
  await session.current.command({ op: "queue.clear", if_queue_revision: first.queue_revision });
  const at = items.findIndex(({ id }) => id === session.playback?.item?.id);
  const tracks = items.map(({ media_id }) => media_id);
  cleared = { before: tracks.slice(0, Math.max(0, at)), after: tracks.slice(at + 1), item: items[at]?.id };
  session.current.changed();
}

/** Brings back what was cleared, around the entry that stayed. */
export async function restoreQueue() {
  if (!cleared) return;
  const { before, after, item } = cleared;
  const stays = item !== undefined && item === session.playback?.item?.id && session.playback.queue_length === 1;
  /** @param {string[]} tracks @param {object} [where] */
  const insert = (tracks, where) =>
    tracks.length > 0 && ask("/me/player/queue", { method: "POST", json: { tracks, ...where } });
  await insert(before, stays ? { before: item } : {});
  await insert(after);
  cleared = undefined;
  session.current.changed();
}

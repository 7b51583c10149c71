/** What a command means while the server is away: which kept items this device plays by itself, and from where. */

import { previousIndex } from "../rules/standalone.js";
import { Refused } from "./answers.js";

/** @import {Item, Op} from "../rules/types.js" */

/**
 * @typedef {{
 *   track: (media_id: string) => {audio_url?: string, duration_ms?: number} | undefined,
 *   isKept: (media_id: string) => boolean,
 *   current?: Item, ahead: Item[], place_ms: number, areEntries: boolean,
 *   isPlayingHere: boolean
 * }} Situation what is known of tracks and kept of them; the item that this device plays or is shown; the known items
 * around it; the place in it in milliseconds; whether they are entries of the session's queue; and whether this device
 * plays it
 *
 * @typedef {{items: Item[], at: number, position_ms: number, areEntries: boolean}} Start the items, the index of the
 * first one to play, the place in it, and whether they are entries of the session's queue
 */

/**
 * What to start; `undefined` when the command starts nothing here. Throws when nothing that was asked for is kept.
 * @param {Op} op @param {Situation} situation @returns {Start | undefined}
 */
export function offlineStart(op, situation) {
  return op.op === "play" && op.tracks ? startTracks(op, situation) : startEntry(op, situation);
}

/**
 * Starts the kept ones of the tracks that a command names.
 * @param {Op} op @param {Situation} situation @returns {Start}
 */
function startTracks(op, { track, isKept }) {
  const named = /** @type {string[]} */ (op.tracks).map((media_id, index) => ({ index, media_id }));
  const there = named.filter(({ media_id }) => isKept(media_id));
  if (there.length === 0) {
    throw new Refused("offline", "The server is away, and none of these tracks is kept on this device.");
  }
  const items = there.map(({ index, media_id }) => ({
    id: `${index}`,
    kind: "track",
    media_id,
    duration_ms: track(media_id)?.duration_ms,
  }));
  const first = there.findIndex(({ index }) => index >= (op.start ?? 0));
  return { items, at: Math.max(0, first), position_ms: op.position_ms ?? 0, areEntries: false };
}

/** Goes on in the session's queue, of which kept entries are played. @param {Op} op @param {Situation} situation */
function startEntry(op, { isKept, current, ahead, place_ms, areEntries, isPlayingHere }) {
  if (!current || (op.op !== "play" && !isPlayingHere)) return undefined;
  const around = ahead.some(({ id }) => id === current.id) ? ahead : [current];
  const items = around.filter(({ id, media_id }) => id === current.id || isKept(media_id));
  const here = items.findIndex(({ id }) => id === current.id);
  const named = items.findIndex(({ id }) => id === op.item);
  /** @type {Record<string, [number, number]>} the index of the item and the place in it, by the command */
  const targets = {
    play: op.item ? [named, op.position_ms ?? 0] : [here, op.position_ms ?? place_ms],
    seek: [here, op.position_ms],
    next: [here + 1, 0],
    previous: [previousIndex(here, place_ms), 0],
  };
  const [at, position_ms] = targets[op.op] ?? [-1, 0];
  return items[at] && { items, at, position_ms, areEntries };
}

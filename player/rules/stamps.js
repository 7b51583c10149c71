/** The order of stamps, and the place in an item. */

/** @import {Stamp, Playback} from "./types.js" */

/** Negative when `a` is older than `b`, 0 when they are the same. @param {Stamp} a @param {Stamp} b */
export function compareStamps(a, b) {
  return a[0] - b[0] || a[1] - b[1];
}

/** @param {Stamp | undefined} a @param {Stamp | undefined} b */
export function sameStamp(a, b) {
  return a !== undefined && b !== undefined && compareStamps(a, b) === 0;
}

/** @param {Playback} playback @returns {Stamp} */
export function stampOf(playback) {
  return [playback.epoch, playback.revision];
}

/**
 * The place in the item at `now_us` of server time, as every screen shows it, in whole milliseconds.
 * @param {Playback} playback @param {number} now_us
 */
export function positionAt(playback, now_us) {
  const run_us = playback.status === "playing" ? Math.max(0, now_us - playback.at_us) : 0;
  const place_ms = playback.position_ms + Math.floor((run_us * playback.rate) / 1000);
  return clampPlace(playback, place_ms);
}

/**
 * Where a device has to be at `now_us` for this to be right. Before `at_us` it is where the device was then: an anchor
 * that lies ahead, because the clock it was made by was wrong, is not right until it is reached.
 * @param {Playback} playback @param {number} now_us
 */
export function heardAt(playback, now_us) {
  if (playback.status !== "playing" || now_us >= playback.at_us) return positionAt(playback, now_us);
  return playback.position_ms - Math.floor(((playback.at_us - now_us) * playback.rate) / 1000);
}

/** A place held within the item. @param {Playback} playback @param {number} position_ms */
export function clampPlace(playback, position_ms) {
  return Math.max(0, Math.min(position_ms, playback.item?.duration_ms ?? Infinity));
}

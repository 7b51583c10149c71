/** The state of a device's audio, as far as the rules need it, and the correction of its speed. */

/** @import {Audio, Status} from "./types.js" */

/** Audio that is at most this far from the shown place is not corrected, in milliseconds. */
const EXACT_MS = 4;
/** Audio that is further away is not corrected by speed, which would take too long, in milliseconds. */
const STEERABLE_MS = 150;
/** The largest change of speed, as a fraction: 3 cents of pitch, which cannot be heard. */
const MOST = 0.002;
/** The time in which a difference is corrected, in milliseconds. */
const WITHIN_MS = 10_000;

/** @param {Audio} audio */
export function itemOf(audio) {
  return audio.kind === "silent" ? undefined : audio.item;
}

/**
 * The place in the item at `local_us` of the client's clock, in whole milliseconds.
 * @param {Audio} audio @param {number} local_us @returns {number | undefined}
 */
export function placeAt(audio, local_us) {
  switch (audio.kind) {
    case "loading":
    case "held":
    case "armed":
      return audio.position_ms;
    case "sounding": {
      const run_us = Math.max(0, local_us - audio.since_us) * audio.rate;
      return Math.min(audio.position_ms + Math.floor(run_us / 1000), audio.item.duration_ms ?? Infinity);
    }
    default:
      return undefined;
  }
}

/** The status that a report gives for this audio. @param {Audio} audio @returns {Status} */
export function soundOf(audio) {
  switch (audio.kind) {
    case "loading":
      return audio.blocked ? "blocked" : "buffering";
    case "held":
      return "buffering";
    case "armed":
      return "starting";
    case "sounding":
      return "playing";
    case "failed":
      return "failed";
    default:
      return "paused";
  }
}

/**
 * The speed factor that brings audio that is `ahead_ms` ahead of the shown place back to it: 1 when it is close enough,
 * or too far away to be corrected by speed.
 * @param {number} ahead_ms
 */
export function steer(ahead_ms) {
  const apart_ms = Math.abs(ahead_ms);
  if (apart_ms <= EXACT_MS || apart_ms > STEERABLE_MS) return 1;
  return 1 - Math.max(-MOST, Math.min(MOST, ahead_ms / WITHIN_MS));
}

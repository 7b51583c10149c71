/** What a device's audio does, as far as the rules must know it, and how it follows a shared instant. */

/** @import {Audio} from "./types.js" */

/** Audio within this of the shown place needs no correction. */
const EXACT_MS = 4;
/** Beyond this, correcting by speed would take too long to be of use. */
const STEERABLE_MS = 150;
/** The largest change of speed: 3 cents of pitch, which nobody hears. */
const MOST = 0.002;
/** A difference is to be gone after about so long. */
const WITHIN_MS = 10_000;

/** @param {Audio} audio */
export function itemOf(audio) {
  return audio.kind === "silent" ? undefined : audio.item;
}

/**
 * The place at `local_us` of the client's clock, in whole milliseconds, within the item.
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

/** What a report says of it. @param {Audio} audio */
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

/** Why a report is made. @param {Audio} audio */
export function causeOf(audio) {
  switch (soundOf(audio)) {
    case "playing":
    case "starting":
      return "start";
    case "buffering":
      return "underrun";
    case "paused":
      return "pause";
    default:
      return "error";
  }
}

/**
 * The factor of speed that brings audio that is `ahead_ms` before the shown place back to it: 1 when it is there, or
 * when it is so far away that the place itself must be told anew.
 * @param {number} ahead_ms
 */
export function steer(ahead_ms) {
  const apart_ms = Math.abs(ahead_ms);
  if (apart_ms <= EXACT_MS || apart_ms > STEERABLE_MS) return 1;
  return 1 - Math.max(-MOST, Math.min(MOST, ahead_ms / WITHIN_MS));
}

/**
 * Tones that tell their place: a sine that becomes louder and softer in a pattern that never repeats, so that some
 * hundred milliseconds of it tell the place in the track, at any volume.
 */

import { createHash } from "node:crypto";

/** Samples per second. */
export const RATE = 44_100;
/** How long the level stays the same, in milliseconds. */
const STEP_MS = 40;
/** The length of a block of the probe, in milliseconds. */
const BLOCK_MS = 128_000 / RATE;
/** Two pieces with a smaller correlation are not the same. */
const ALIKE = 0.9;

/** @type {number[]} */
const levels = [];

/** The level at a place, from 0.5 to 1. @param {number} place_ms */
function levelAt(place_ms) {
  const step = Math.floor(place_ms / STEP_MS);
  return (levels[step] ??= 0.5 + createHash("sha256").update(`${step}`).digest()[0] / 510);
}

/**
 * A sine of 441 Hz, at most at half of full scale, as a WAV file that begins at sample `from`.
 * @param {number} from @param {number} samples
 */
export function tone(from, samples) {
  const bytes = Buffer.alloc(44 + samples * 2);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + samples * 2, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples * 2, 40);
  for (let index = 0; index < samples; index += 1) {
    const at = from + index;
    bytes.writeInt16LE(
      Math.round(16_000 * levelAt((at * 1000) / RATE) * Math.sin((2 * Math.PI * 441 * at) / RATE)),
      44 + index * 2,
    );
  }
  return bytes;
}

/**
 * How far the place in a tone, which begins at sample 0, is ahead of the audio clock while these blocks are rendered,
 * in milliseconds, exact to a block; `undefined` when it cannot be told.
 * @param {[number, number, number][]} blocks as `heard` returns them @param {number} length_ms of the tone
 */
export function aheadOf(blocks, length_ms) {
  if (blocks.length < 2) return undefined;
  const [first_ms, last_ms] = [blocks[0][2], blocks[blocks.length - 1][2]];
  const best = (/** @type {number} */ from_ms, /** @type {number} */ to_ms, /** @type {number} */ step_ms) => {
    let found = { ahead_ms: from_ms, alike: -1, until_ms: from_ms };
    for (let ahead_ms = from_ms; ahead_ms <= to_ms; ahead_ms += step_ms) {
      const alike = likeness(blocks, ahead_ms);
      if (alike > found.alike + 1e-9) found = { ahead_ms, alike, until_ms: ahead_ms };
      else if (alike > found.alike - 1e-9) found.until_ms = ahead_ms;
    }
    return found;
  };
  const rough = best(-first_ms, length_ms - last_ms - BLOCK_MS, 10);
  const { ahead_ms, until_ms, alike } = best(rough.ahead_ms - 10, rough.ahead_ms + 10, 0.5);
  return alike < ALIKE ? undefined : (ahead_ms + until_ms) / 2;
}

/**
 * The correlation (Pearson) of a recording with the tone from a place on: 1 when it is the same at any volume.
 * @param {[number, number, number][]} blocks @param {number} ahead_ms
 */
function likeness(blocks, ahead_ms) {
  let [x, y, xx, yy, xy] = [0, 0, 0, 0, 0];
  for (const [, peak, clock_ms] of blocks) {
    const level = levelAt(Math.max(0, clock_ms + ahead_ms + BLOCK_MS / 2));
    x += peak;
    y += level;
    xx += peak * peak;
    yy += level * level;
    xy += peak * level;
  }
  const count = blocks.length;
  return (count * xy - x * y) / Math.sqrt((count * xx - x * x) * (count * yy - y * y));
}

/**
 * Tones whose place can be heard: a sine that becomes louder and softer by a pattern that never comes again, so that
 * some hundred milliseconds of it say where in the track they are, however loud the loudspeaker is.
 */

import { createHash } from "node:crypto";

/** Samples per second. */
export const RATE = 44_100;
/** So long it is equally loud, in milliseconds. */
const STEP_MS = 40;
/** What one block of the probe lasts, in milliseconds. */
const BLOCK_MS = 128_000 / RATE;
/** Two stretches that are less alike than this are not the same. */
const ALIKE = 0.9;

/** @type {number[]} */
const levels = [];

/** How loud it is at a place, between a half and one. @param {number} place_ms */
function levelAt(place_ms) {
  const step = Math.floor(place_ms / STEP_MS);
  return (levels[step] ??= 0.5 + createHash("sha256").update(`${step}`).digest()[0] / 510);
}

/**
 * A sine of 441 Hz, at half of full scale where it is loudest, as a WAV file that begins at sample `from`.
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
 * By how much the place in a tone, which begins at sample 0, is ahead of the audio clock while these blocks are
 * rendered, in milliseconds; known to a block. Nothing when it cannot be told.
 * @param {[number, number, number][]} blocks as `heard` has them @param {number} length_ms the tone's
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
 * How well what was heard agrees with the tone from there on: 1 when it is the same but for the loudness (Pearson).
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

/**
 * Learns the queue, and while this device plays for the session has the next tracks kept, so that it can play on when
 * the server is away.
 */

import { QUEUE_PAGE } from "./queue_pages.js";

/** @import {Item, Playback} from "../rules/types.js" */

/** The queue is learnt up to this many entries. */
const MOST_KNOWN = 5 * QUEUE_PAGE;
/** Tracks that are kept, counted from the second one after the current track. */
export const KEPT_AHEAD = 4;
/** The tracks that are learnt, from the current one on: about as many as fit on a screen. */
export const LEARNT = 30;

export class KeepAhead {
  /**
   * @param {(item: Item) => boolean} canDecode whether the audio loads an item as a whole: it then loads the current
   * item and the next one itself
   * @param {(item: Item, signal: AbortSignal) => Promise<void>} keep stores an item in the offline cache
   */
  constructor(canDecode, keep) {
    this.canDecode = canDecode;
    this.keep = keep;
    /** What the last answer of `learn` was about. */
    this.learnt = "";
    this.running = new AbortController();
  }

  /**
   * What to do about the part of the queue that is known: ask for the page of the entry `ask`, or take over `queue` and
   * keep `keep`; `undefined` when nothing is new.
   * @param {Playback} playback
   * @param {Item} current the item that plays
   * @param {Item[]} known the entries of the queue that are known, from the first one on
   * @param {boolean} [isHere] whether this device plays it
   * @returns {{ask: number} | {queue: Item[], keep: Item[]} | undefined}
   */
  learn(playback, current, known, isHere = true) {
    const at = known.findIndex(({ id }) => id === current.id);
    const isEnough = at >= 0 && known.length > at + KEPT_AHEAD;
    if (!isEnough && known.length < Math.min(playback.queue_length, MOST_KNOWN)) return { ask: known.length };
    if (at < 0) return undefined;
    const learnt = `${playback.epoch}.${playback.queue_revision}.${known.length}.${current.id}.${isHere}`;
    if (learnt === this.learnt) return undefined;
    this.learnt = learnt;
    const streamed = known.slice(at, at + 2).filter((item) => !this.canDecode(item));
    return { queue: known, keep: [...streamed, ...known.slice(at + 2, at + 2 + KEPT_AHEAD)] };
  }

  /** Keeps these items, one after the other, in place of those of the call before. @param {Item[]} items */
  async keepAll(items) {
    this.end();
    this.running = new AbortController();
    const { signal } = this.running;
    for (const item of items) {
      // An item that cannot be kept now is loaded when it plays.
      await this.keep(item, signal).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  /** Stops what is being kept. */
  end() {
    this.running.abort();
  }
}

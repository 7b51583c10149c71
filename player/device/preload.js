/** What plays on another device is loaded here too, so that it can move here without a pause (R7). */

/** @import {Item, Playback} from "../rules/types.js" */

/** A track that is skipped within this time is not loaded, in milliseconds. */
export const PRELOAD_MS = 1_500;

export class Preload {
  /** @param {() => boolean} mayLoad whether loading ahead is wanted now @param {(item: Item) => void} load */
  constructor(mayLoad, load) {
    this.mayLoad = mayLoad;
    this.load = load;
    /** @type {string | undefined} the entry of the queue that is loaded, or will be */
    this.id = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {Playback | undefined} playback @param {boolean} isHolder whether this device plays for the session */
  show(playback, isHolder) {
    const item = playback?.status === "playing" && !isHolder ? playback.item : undefined;
    if (item?.id === this.id) return;
    this.id = item?.id;
    this.end();
    if (item && this.mayLoad()) this.timer = setTimeout(() => this.load(item), PRELOAD_MS);
  }

  end() {
    clearTimeout(this.timer);
  }
}

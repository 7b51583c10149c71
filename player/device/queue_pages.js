/** The pages of the session's queue that were loaded, and which page to ask for. */

/** @import {Item, Playback, QueuePage} from "../rules/types.js" */

/** Entries in one page. */
export const QUEUE_PAGE = 100;
/** A page that did not come within this time is asked for again, in milliseconds. */
export const PAGE_MS = 2_000;

export class QueuePages {
  constructor() {
    /** @type {Map<number, QueuePage>} the pages, by the index of their first entry */
    this.pages = new Map();
    /** @type {Map<number, number>} when a page was asked for, in milliseconds of the steady clock */
    this.asked = new Map();
    /** @type {number | undefined} */
    this.epoch = undefined;
    /** @type {number | undefined} the revision of the queue whose pages these are */
    this.revision = undefined;
  }

  /** Forgets the pages when `playback` shows another revision of the queue. @param {Playback | undefined} playback */
  show(playback) {
    if (this.epoch === playback?.epoch && this.revision === playback?.queue_revision) return;
    this.epoch = playback?.epoch;
    this.revision = playback?.queue_revision;
    this.pages.clear();
    this.asked.clear();
  }

  /** Stores a page, unless it is of another revision; returns whether it did. @param {QueuePage} page */
  add(page) {
    if (page.queue_revision !== this.revision) return false;
    this.pages.set(page.from, page);
    return true;
  }

  /** The socket is closed: a page that was asked for on it does not come. */
  forgetAsked() {
    this.asked.clear();
  }

  /**
   * An entry in play order; `undefined` while its page is not loaded.
   * @param {number} index @returns {Item | undefined}
   */
  entry(index) {
    const from = firstOf(index);
    return this.pages.get(from)?.items[index - from];
  }

  /** The index of an entry, if its page is loaded. @param {string} id */
  indexOf(id) {
    for (const [from, { items }] of this.pages) {
      const at = items.findIndex((item) => item.id === id);
      if (at >= 0) return from + at;
    }
    return undefined;
  }

  /** Stores a page that begins where a page of this class does, and may be longer. @param {QueuePage} page */
  addLong(page) {
    for (let at = 0; at < page.items.length; at += QUEUE_PAGE) {
      const items = page.items.slice(at, at + QUEUE_PAGE);
      if (!this.add({ ...page, from: page.from + at, items })) return false;
    }
    return true;
  }

  /** Whether the page of an entry is loaded. @param {number} index */
  has(index) {
    return this.pages.has(firstOf(index));
  }

  /**
   * The index from which to ask for the page of an entry; `undefined` when the page is loaded or on its way. A page
   * whose index was returned counts as asked for.
   * @param {number} index @param {number} now_ms of the steady clock
   */
  ask(index, now_ms) {
    const from = firstOf(index);
    const isOnItsWay = now_ms - (this.asked.get(from) ?? -Infinity) < PAGE_MS;
    if (this.pages.has(from) || isOnItsWay) return undefined;
    this.asked.set(from, now_ms);
    return from;
  }

  /** The entries from the first one up to the first page that is not loaded. @returns {Item[]} */
  known() {
    /** @type {Item[]} */
    const known = [];
    for (let page; (page = this.pages.get(known.length));) {
      known.push(...page.items);
      if (page.items.length < QUEUE_PAGE) break;
    }
    return known;
  }
}

/** The index of the first entry of an entry's page. @param {number} index */
const firstOf = (index) => Math.floor(index / QUEUE_PAGE) * QUEUE_PAGE;

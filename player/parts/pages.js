/** A long list that comes in pages: what is looked at is asked for, a bounded part is kept. */

import { Watchable } from "../store.js";

/** Entries in one page. */
const SIZE = 50;
/** Pages that are kept. */
const KEPT = 40;

/** @template T */
export class Pages extends Watchable {
  /** @param {(limit: number, offset: number, signal: AbortSignal) => Promise<{items: T[], total: number}>} load */
  constructor(load) {
    super();
    this.load = load;
    /** @type {Map<number, T[]>} */
    this.pages = new Map();
    /** @type {Map<number, AbortController>} */
    this.loading = new Map();
    /** @type {number | undefined} entries in all, once known */
    this.total = undefined;
    /** @type {Error | undefined} */
    this.error = undefined;
  }

  /** @param {number} index @returns {T | undefined} */
  get(index) {
    const number = Math.floor(index / SIZE);
    return this.pages.get(number)?.[index - number * SIZE];
  }

  /** What is there already, from an entry on. @param {number} index */
  from(index) {
    /** @type {T[]} */
    const items = [];
    for (let item; (item = this.get(index + items.length)) !== undefined; ) items.push(item);
    return items;
  }

  /** Entries from `from` up to but without `to` are looked at now. @param {number} from @param {number} to */
  want(from, to) {
    const first = Math.floor(Math.max(0, from) / SIZE);
    const last = Math.floor(Math.max(0, to - 1) / SIZE);
    for (const [number, controller] of this.loading) {
      if (number < first || number > last) controller.abort();
    }
    for (let number = first; number <= last; number += 1) void this.loadPage(number);
  }

  /** @param {number} number */
  async loadPage(number) {
    if (this.pages.has(number) || this.loading.has(number)) return;
    const controller = new AbortController();
    this.loading.set(number, controller);
    try {
      const page = await this.load(SIZE, number * SIZE, controller.signal);
      this.error = undefined;
      this.total = page.total;
      this.pages.set(number, page.items);
      for (const old of this.pages.keys()) {
        if (this.pages.size <= KEPT) break;
        this.pages.delete(old);
      }
      this.changed();
    } catch (error) {
      if (controller.signal.aborted) return;
      this.error = error instanceof Error ? error : new Error(String(error));
      this.changed();
    } finally {
      this.loading.delete(number);
    }
  }

  /** Everything is asked for anew. */
  forget() {
    for (const controller of this.loading.values()) controller.abort();
    this.loading.clear();
    this.pages.clear();
    this.error = undefined;
    void this.loadPage(0);
  }
}

/** A list that is there as a whole, for what shows pages. @template T @param {T[]} items */
export function whole(items) {
  return { total: items.length, error: undefined, get: (/** @type {number} */ index) => items[index], want() {}, watch: () => () => undefined };
}

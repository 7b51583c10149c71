/** A long list that comes in pages: what is looked at is asked for, a bounded part is kept. */

import { ask, query } from "../api.js";
import { Watchable } from "../store.js";

/** Entries in one page. */
const SIZE = 50;
/** Pages that are kept. */
const KEPT = 40;
/** After a failure nothing is asked for so long, in milliseconds. */
const HELD_MS = 2_000;

export class Pages extends Watchable {
  /**
   * @param {string} path @param {Record<string, string | undefined>} [parameters]
   * @param {(answer: any) => {items: any[], total: number}} [pageOf]
   */
  constructor(path, parameters = {}, pageOf = (answer) => answer) {
    super();
    this.path = path;
    this.parameters = parameters;
    this.pageOf = pageOf;
    /** @type {Map<number, any[]>} */
    this.pages = new Map();
    /** Pages that are shown until newer ones have come. @type {Set<number>} */
    this.stale = new Set();
    /** @type {Map<number, AbortController>} */
    this.loading = new Map();
    /** The pages that are looked at: the first and the last one. */
    this.looked = [0, 0];
    /** @type {number | undefined} entries in all, once known */
    this.total = undefined;
    /** @type {Error | undefined} */
    this.error = undefined;
    this.held = 0;
  }

  /** @param {number} index */
  get(index) {
    const number = Math.floor(index / SIZE);
    return this.pages.get(number)?.[index - number * SIZE];
  }

  /** What is there already, from an entry on. @param {number} index */
  from(index) {
    /** @type {any[]} */
    const items = [];
    for (let item; (item = this.get(index + items.length)) !== undefined;) items.push(item);
    return items;
  }

  /** Entries from `from` up to but without `to` are looked at now. @param {number} from @param {number} to */
  want(from, to) {
    const [first, last] = (this.looked = [
      Math.floor(Math.max(0, from) / SIZE),
      Math.floor(Math.max(0, to - 1) / SIZE),
    ]);
    for (const [number, controller] of this.loading) {
      if (number < first || number > last) controller.abort();
    }
    if (!this.held) void this.load();
  }

  /** Asks for what is looked at and not there. */
  async load() {
    const [first, last] = this.looked;
    await Promise.all(Array.from({ length: last - first + 1 }, (_, index) => this.loadPage(first + index)));
  }

  /** Loads the beginning, up to `most` entries: what is short is there as a whole. @param {number} most */
  async begin(most) {
    await this.loadPage(0);
    if (!this.total) return;
    this.looked = [0, Math.ceil(Math.min(this.total, most) / SIZE) - 1];
    await this.load();
  }

  /** @param {number} number */
  async loadPage(number) {
    if (this.loading.has(number) || (this.pages.has(number) && !this.stale.has(number))) return;
    const controller = new AbortController();
    this.loading.set(number, controller);
    try {
      const parameters = { ...this.parameters, limit: SIZE, offset: number * SIZE };
      const page = this.pageOf(await ask(query(this.path, parameters), { signal: controller.signal }));
      this.error = undefined;
      this.total = page.total;
      this.stale.delete(number);
      this.pages.set(number, page.items);
      for (const old of this.pages.keys()) {
        if (this.pages.size <= KEPT) break;
        this.pages.delete(old);
      }
      this.changed();
    } catch (error) {
      if (controller.signal.aborted) return;
      this.error = error instanceof Error ? error : new Error(String(error));
      this.held ||= setTimeout(() => (this.watchers.size > 0 ? this.again() : (this.held = 0)), HELD_MS);
      this.changed();
    } finally {
      if (this.loading.get(number) === controller) this.loading.delete(number);
    }
  }

  /** Asks again for what failed. */
  again() {
    clearTimeout(this.held);
    this.held = 0;
    void this.load();
  }

  /**
   * The list has changed: what is looked at is asked for anew and shown as it was until then, the rest is forgotten.
   */
  async renew() {
    for (const controller of this.loading.values()) controller.abort();
    this.loading.clear();
    const [first, last] = this.looked;
    for (const number of this.pages.keys()) if (number < first || number > last) this.pages.delete(number);
    this.stale = new Set(this.pages.keys());
    await this.load();
  }
}

/** A list that is there as a whole, for what shows pages. @template T @param {T[]} items */
export function whole(items) {
  return {
    path: undefined,
    get total() {
      return items.length;
    },
    get: (/** @type {number} */ index) => items[index],
    from: (/** @type {number} */ index) => items.slice(index),
    want() {},
    watch: () => () => undefined,
  };
}

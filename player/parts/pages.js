/** A long list that is loaded in pages: the pages in view are loaded, and a limited number is kept. */

import { ask, query } from "../api.js";
import { Watchable } from "../store.js";

/** Entries in one page. */
const SIZE = 50;
/** The most pages that are kept. */
const KEPT = 40;
/** After a failure nothing is loaded for this time, in milliseconds. */
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
    /** Pages that are shown until newer ones are loaded. @type {Set<number>} */
    this.stale = new Set();
    /** @type {Map<number, AbortController>} */
    this.loading = new Map();
    /** The first and the last page in view. */
    this.looked = [0, 0];
    /** @type {number | undefined} entries in all, once known */
    this.total = undefined;
    /** @type {Error | undefined} */
    this.error = undefined;
    this.held = 0;
  }

  /** Its name in commands, if its entries are tracks. */
  get list() {
    return listAt(this.path, this.parameters);
  }

  /** @param {number} index */
  get(index) {
    const number = Math.floor(index / SIZE);
    return this.pages.get(number)?.[index - number * SIZE];
  }

  /** The entries that are loaded, from `from` on, up to the first gap. @param {number} index */
  from(index) {
    /** @type {any[]} */
    const items = [];
    for (let item; (item = this.get(index + items.length)) !== undefined;) items.push(item);
    return items;
  }

  /** The entries from `from` up to, but not including, `to` are in view. @param {number} from @param {number} to */
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

  /** Loads the pages in view that are missing. */
  async load() {
    const [first, last] = this.looked;
    await Promise.all(Array.from({ length: last - first + 1 }, (_, index) => this.loadPage(first + index)));
  }

  /** Loads the beginning, up to `most` entries: a short list is then loaded whole. @param {number} most */
  async begin(most) {
    await this.loadPage(0);
    if (!this.total) return;
    this.looked = [0, Math.ceil(Math.min(this.total, most) / SIZE) - 1];
    await this.load();
  }

  /**
   * The index of an entry, which is looked for from where it probably is on, and then before; -1 if it is not there.
   * Not for a list that is shown: what is not in view would not be loaded.
   * @param {string} id @param {number} guess
   */
  async find(id, guess) {
    const first = Math.max(0, Math.floor(guess / SIZE));
    const here = async (/** @type {number} */ number) => {
      await this.loadPage(number);
      const at = this.pages.get(number)?.findIndex((item) => item.id === id) ?? -1;
      return at < 0 ? -1 : number * SIZE + at;
    };
    let at = await here(first);
    const pages = Math.ceil((this.total ?? 0) / SIZE);
    for (let step = 1; at < 0 && step <= pages; step += 1) at = await here((first + step) % pages);
    return at;
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

  /** Loads again what failed. */
  again() {
    clearTimeout(this.held);
    this.held = 0;
    void this.load();
  }

  /**
   * The list has changed: the pages in view are loaded again, and shown as they were until then; the others are
   * dropped.
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

/**
 * The name in commands of the tracks at a path.
 * @param {string} path @param {Record<string, string | undefined>} parameters
 */
export function listAt(path, { sort, q, type } = {}) {
  const [, of, id] = /^\/(album|artist|playlist)s\/([0-9a-f]{16})\/tracks$/.exec(path) ?? [];
  if (of) return { of, id };
  if (path === "/me/tracks") return { of: "saved" };
  if (path === "/tracks") return { of: "tracks", sort: sort ?? "name" };
  return path === "/search" && type === "track" ? { of: "search", q } : undefined;
}

/**
 * A list that is loaded whole, with the interface of a list in pages.
 * @template T @param {T[]} items @param {object} [list] its name in commands
 */
export function whole(items, list) {
  return {
    path: undefined,
    list,
    get total() {
      return items.length;
    },
    get: (/** @type {number} */ index) => items[index],
    from: (/** @type {number} */ index) => items.slice(index),
    want() {},
    watch: () => () => undefined,
  };
}

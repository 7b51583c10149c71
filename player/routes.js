/** The addresses within the page: which view each shows, and how to go there. */

import { ROOT, outside, within } from "./root.js";
import { Watchable } from "./store.js";

/** Addresses for people who are not logged in. */
const WAYS_IN = /^\/(login|setup)$/;

/** @type {[RegExp, string][]} */
const VIEWS = [
  [/^\/$/, "view-home"],
  [/^\/search$/, "view-search"],
  [/^\/albums$/, "view-albums"],
  [/^\/album\/([0-9a-f]+)$/, "view-album"],
  [/^\/artists$/, "view-artists"],
  [/^\/artist\/([0-9a-f]+)$/, "view-artist"],
  [/^\/tracks$/, "view-tracks"],
  [/^\/track\/([0-9a-f]+)$/, "view-track"],
  [/^\/saved$/, "view-saved"],
  [/^\/offline$/, "view-offline"],
  [/^\/playlists$/, "view-playlists"],
  [/^\/playlist\/([0-9a-f]+)$/, "view-playlist"],
  [/^\/queue$/, "view-queue"],
  [/^\/devices$/, "view-devices"],
  [/^\/now$/, "view-now"],
  [/^\/settings$/, "view-settings"],
  [WAYS_IN, "view-home"],
];

class Routes extends Watchable {
  constructor() {
    super();
    /** The scroll position of each entry of the history. @type {Map<number, number>} */
    this.scrolled = new Map();
    this.step = history.state?.step ?? 0;
    this.isReturn = false;
    // A page that was opened past the proxy has the path without what the proxy puts before it.
    const isBelow = location.pathname === ROOT || location.pathname.startsWith(`${ROOT}/`);
    const whole = isBelow ? location.pathname : outside(location.pathname);
    history.replaceState({ step: this.step }, "", whole + location.search + location.hash);
    addEventListener("popstate", (event) => {
      this.step = event.state?.step ?? 0;
      this.isReturn = true;
      this.changed();
    });
    addEventListener("click", (event) => this.click(event));
  }

  /** The address that is shown. */
  get path() {
    return within(location.pathname);
  }

  /** The tag of the view, and the id or kind that the address names. @returns {{tag: string, id: string}} */
  view() {
    for (const [pattern, tag] of VIEWS) {
      const found = pattern.exec(this.path);
      if (found) return { tag, id: found[1] ?? new URLSearchParams(location.search).get("type") ?? "" };
    }
    return { tag: "view-nowhere", id: "" };
  }

  /** After the login the address and its secret are replaced. */
  leaveWaysIn() {
    if (WAYS_IN.test(this.path)) history.replaceState({ step: this.step }, "", outside("/"));
  }

  /** @param {string} path @param {boolean} [replaces] */
  go(path, replaces = false) {
    if (path === this.path + location.search) return;
    if (replaces) history.replaceState({ step: this.step }, "", outside(path));
    else history.pushState({ step: ++this.step }, "", outside(path));
    this.isReturn = false;
    this.changed();
  }

  /** A click on a link within the page changes the view without loading the page. @param {MouseEvent} event */
  click(event) {
    const link = event.target instanceof Element && event.target.closest("a");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.shiftKey ||
      event.altKey ||
      link.target ||
      link.origin !== location.origin
    )
      return;
    const path = within(link.pathname);
    if (!VIEWS.some(([pattern]) => pattern.test(path))) return;
    event.preventDefault();
    this.go(path + link.search);
  }
}

export const routes = new Routes();

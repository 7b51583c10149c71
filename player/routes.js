/** The addresses within the page: which view each shows, and how to go there. */

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
    history.replaceState({ step: this.step }, "");
    addEventListener("popstate", (event) => {
      this.step = event.state?.step ?? 0;
      this.isReturn = true;
      this.changed();
    });
    addEventListener("click", (event) => this.click(event));
  }

  /** The tag of the view, and the id or kind that the address names. @returns {{tag: string, id: string}} */
  view() {
    for (const [pattern, tag] of VIEWS) {
      const found = pattern.exec(location.pathname);
      if (found) return { tag, id: found[1] ?? new URLSearchParams(location.search).get("type") ?? "" };
    }
    return { tag: "view-nowhere", id: "" };
  }

  /** After the login the address and its secret are replaced. */
  leaveWaysIn() {
    if (WAYS_IN.test(location.pathname)) history.replaceState({ step: this.step }, "", "/");
  }

  /** @param {string} path @param {boolean} [replaces] */
  go(path, replaces = false) {
    if (path === location.pathname + location.search) return;
    if (replaces) history.replaceState({ step: this.step }, "", path);
    else history.pushState({ step: ++this.step }, "", path);
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
    if (!VIEWS.some(([pattern]) => pattern.test(link.pathname))) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const routes = new Routes();

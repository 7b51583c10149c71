/** What all views share: a heading that takes focus, loading that can fail, and a title for the tab. */

import { ApiError } from "../api.js";
import { note } from "../parts/cards.js";
import { Component, fill, h, sentence } from "../parts/dom.js";

export class View extends Component {
  /** Set by the page from the address. */
  name = "";

  /** @param {string} title */
  heading(title) {
    this.title_ = title;
    document.title = `${title} · Segue`;
    return h("h1", { tabIndex: -1, dir: "auto" }, title);
  }

  /**
   * Shows what `load` brings; until then that it is on its way, and if it fails why, with a way to try again.
   * @template T @param {Element} into @param {(signal: AbortSignal) => Promise<T>} load @param {(value: T) => any} show
   */
  async loading(into, load, show) {
    const waits = setTimeout(() => fill(into, h("p", { class: "note", role: "status" }, "Loading…")), 250);
    try {
      const value = await load(this.gone.signal);
      clearTimeout(waits);
      if (this.isConnected) show(value);
    } catch (error) {
      clearTimeout(waits);
      if (this.gone.signal.aborted) return;
      const text = sentence(error instanceof Error ? error.message : String(error));
      const isGone = error instanceof ApiError && error.status === 404;
      const again = h("button", { type: "button", onclick: () => void this.loading(into, load, show) }, "Try again");
      fill(into, note("warning", text, isGone ? h("a", { class: "button", href: "/" }, "Home") : again, "alert"));
    }
  }
}

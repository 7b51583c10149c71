/** What all views share: a heading that takes focus, loading that can fail, and a title for the tab. */

import { Component, fill, h } from "../parts/dom.js";

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
      const again = h("button", { type: "button", onclick: () => void this.loading(into, load, show) }, "Try again");
      fill(into, h("div", { class: "note", role: "alert" }, h("p", {}, error instanceof Error ? error.message : String(error)), again));
    }
  }
}

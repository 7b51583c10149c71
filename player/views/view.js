/** What all views share: a heading that takes the focus, loading that can fail, and the title of the tab. */

import { ApiError } from "../api.js";
import { note } from "../parts/cards.js";
import { catalogue } from "../catalogue.js";
import { Component, fill, h, say, sentence, skeleton } from "../parts/dom.js";
import { names } from "../parts/text.js";
import { session } from "../session.js";

let titled = "";

/** The title of the tab is the current track, or else the name of the view. */
function retitle() {
  const { item, status } = session.playback ?? {};
  const track = item && session.isOn && status === "playing" ? catalogue.known(item.media_id) : undefined;
  const title = track ? `▶ ${track.name} · ${names(track.artists)}` : titled ? `${titled} · Segue` : "Segue";
  if (document.title !== title) document.title = title;
}

session.watch(retitle);
catalogue.watch(retitle);

/** @param {string} title */
export function entitle(title) {
  titled = title;
  retitle();
}

export class View extends Component {
  /** The id or kind that the page's address names. */
  get name() {
    return this.dataset.name ?? "";
  }

  /** @param {string} title */
  heading(title) {
    entitle(title);
    return h("h1", { tabIndex: -1, dir: "auto" }, title);
  }

  /**
   * Reads again what the view shows, after each change of saved music or playlists.
   * @param {"saved_us" | "playlists_us"} part @param {() => unknown} renew
   */
  renewAfter(part, renew) {
    let seen = catalogue.kept?.[part];
    this.observe(catalogue, () => {
      const now = catalogue.kept?.[part];
      if (now === seen) return;
      seen = now;
      void renew();
    });
  }

  /**
   * Replaces the content of an element. If the focus was in it, the new control with the same name gets it, or else the
   * first control, or else the heading.
   * @param {Element} into @param {() => unknown} show
   */
  exchange(into, show) {
    const held = into.contains(document.activeElement) ? document.activeElement : null;
    show();
    if (!held || held.isConnected) return;
    const controls = /** @type {HTMLElement[]} */ ([...into.querySelectorAll("button, a, input, select")]);
    const label = held.getAttribute("aria-label");
    const next =
      controls.find((control) => label && control.getAttribute("aria-label") === label) ??
      into.querySelector("h1") ??
      controls[0] ??
      this.querySelector("h1");
    next?.focus({ preventScroll: true });
  }

  /**
   * Shows what `load` returns; until then the outlines of it, and if it fails the reason, with a button to try again.
   * @template T @param {Element} into @param {(signal: AbortSignal) => Promise<T>} load @param {(value: T) => any} show
   */
  async loading(into, load, show) {
    if (!into.hasChildNodes()) fill(into, skeleton());
    try {
      const value = await load(this.gone.signal);
      if (this.isConnected) this.exchange(into, () => show(value));
    } catch (error) {
      if (this.gone.signal.aborted) return;
      const text = sentence(error instanceof Error ? error.message : String(error));
      if (error instanceof ApiError && error.status === 404) return this.showMissing(into, text);
      const again = h(
        "button",
        {
          type: "button",
          onclick: () => {
            if (again.textContent === "Trying…") return;
            say(again, "Trying…");
            void this.loading(into, load, show);
          },
        },
        "Try again",
      );
      this.exchange(into, () => fill(into, this.headingOf(into, "Not loaded"), note("warning", text, again, "alert")));
    }
  }

  /**
   * Shows that there is not what the page's address names.
   * @param {Element} into @param {string} text
   */
  showMissing(into, text) {
    const home = h("a", { class: "button", href: "/" }, "Home");
    this.exchange(into, () => fill(into, this.headingOf(into, "Not found"), note("warning", text, home, "alert")));
  }

  /** A heading, if the view has none outside of `into`. @param {Element} into @param {string} title */
  headingOf(into, title) {
    const known = this.querySelector("h1");
    return known && !into.contains(known) ? undefined : this.heading(title);
  }
}

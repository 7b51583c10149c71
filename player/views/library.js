/** The long lists: all albums, all artists, all tracks, what was saved, a genre. */

import { all, ask, query } from "../api.js";
import { MOST_TRACKS, playTracks } from "../actions.js";
import { CARD_TEXT, albumCard, artistCard, unwrap } from "../parts/cards.js";
import { fill, h } from "../parts/dom.js";
import { Pages } from "../parts/pages.js";
import { count } from "../parts/text.js";
import { attempt } from "../parts/toast.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { VirtualList } from "../parts/virtual_list.js";
import { View } from "./view.js";

/** @param {string} path @param {Record<string, string | undefined>} [more] */
const pagesOf = (path, more = {}) =>
  new Pages((limit, offset, signal) => ask(query(path, { ...more, limit, offset }), { signal }));

/** A view of cards in a grid. @param {string} title @param {string} noun @param {string} path @param {(item: any) => HTMLElement} row */
function gridView(title, noun, path, row) {
  return class extends View {
    build() {
      const said = h("p", { class: "lede", role: "status" });
      const holder = h("div");
      const order = h("select", { "aria-label": "Order", onchange: () => show() }, h("option", { value: "name" }, "By name"), h("option", { value: "newest" }, "Newest first"));
      const show = () => {
        const source = pagesOf(path, { sort: order.value });
        this.observe(source, () => void (said.textContent = source.total === undefined ? "" : count(source.total, noun)));
        fill(holder, new VirtualList({ source, row, label: title, rowHeight: CARD_TEXT, minWidth: innerWidth < 700 ? 140 : 180, empty: "The library is empty: add music and start a scan in the settings." }));
      };
      fill(this, h("header", { class: "head" }, h("div", {}, this.heading(title), said), order), holder);
      show();
    }
  };
}

/**
 * A view of tracks. A list may be longer than one command: then as many are played from the chosen one on.
 * @param {string} title @param {(id: string) => string} pathOf @param {string} empty
 */
function tracksView(title, pathOf, empty) {
  return class extends View {
    build() {
      const path = pathOf(this.name);
      const source = pagesOf(path);
      const said = h("p", { class: "lede", role: "status" });
      this.observe(source, () => void (said.textContent = source.total === undefined ? "" : count(source.total, "track")));
      const play = (/** @type {number} */ index) => attempt(async () => playTracks(unwrap(await all(path, MOST_TRACKS, index))));
      const row = (/** @type {any} */ item, /** @type {number} */ index) => trackRow(item.track ?? item, { play: () => void play(index) });
      const list = new TrackList({ source, row, label: title, rowHeight: ROW, empty });
      fill(this, h("header", { class: "head" }, h("div", {}, this.heading(title), said), h("button", { type: "button", class: "primary", onclick: () => void play(0) }, "Play")), list);
    }
  };
}

customElements.define("view-albums", gridView("Albums", "album", "/albums", albumCard));
customElements.define("view-artists", gridView("Artists", "artist", "/artists", artistCard));
customElements.define("view-tracks", tracksView("Tracks", () => "/tracks", "The library is empty: add music and start a scan in the settings."));
customElements.define("view-saved", tracksView("Saved tracks", () => "/me/tracks", "Nothing saved yet. The heart beside a track keeps it here."));
customElements.define("view-genre", tracksView("Genre", (id) => `/genres/${id}/tracks`, "There is nothing of this genre any more."));

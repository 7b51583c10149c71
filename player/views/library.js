/** The long lists: all albums, all artists, all tracks, saved tracks. */

import { query } from "../api.js";
import { playFrom } from "../actions.js";
import { catalogue } from "../catalogue.js";
import { CARD_TEXT, albumCard, artistCard, note, way } from "../parts/cards.js";
import { fill, h, say } from "../parts/dom.js";
import { Pages } from "../parts/pages.js";
import { playButtons } from "../parts/play_buttons.js";
import { count } from "../parts/text.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { VirtualList } from "../parts/virtual_list.js";
import { routes } from "../routes.js";
import { View } from "./view.js";

/** Whether these are saved is known without a request. */
const savedTracks = () =>
  new Pages("/me/tracks", {}, (page) => {
    for (const { track } of page.items) catalogue.saved.set(track.id, true);
    return page;
  });

const noMusic = () => note("album", "This library has no music yet.", way("/settings", "Look at the library"));

/**
 * A view of cards in a grid.
 * @param {string} title @param {string} noun @param {string} path @param {(item: any) => HTMLElement} row
 */
function gridView(title, noun, path, row) {
  return class extends View {
    build() {
      const said = h("p", { class: "lede", role: "status" });
      const holder = h("div");
      // The address names the order, so that it survives a way back and a reload.
      const chosen = () => (new URLSearchParams(location.search).get("sort") === "newest" ? "newest" : "name");
      const address = () => (order.value === "name" ? path : query(path, { sort: order.value }));
      const order = h(
        "select",
        { "aria-label": "Order", onchange: () => routes.go(address(), true) },
        h("option", { value: "name" }, "By name"),
        h("option", { value: "newest" }, "Newest first"),
      );
      let end = () => {};
      let shown = "";
      this.observe(routes, () => routes.view().tag === this.localName && shown !== chosen() && show());
      this.endings.push(() => end());
      const show = () => {
        end();
        shown = order.value = chosen();
        const source = new Pages(path, { sort: order.value });
        end = source.watch(() => {
          say(said, source.total ? count(source.total, noun) : "");
          order.hidden = source.total === 0;
        });
        fill(
          holder,
          new VirtualList({
            source,
            row,
            label: title,
            rowHeight: CARD_TEXT,
            minWidth: innerWidth < 700 ? 140 : 180,
            empty: noMusic(),
          }),
        );
      };
      fill(this, h("header", { class: "head" }, h("div", {}, this.heading(title), said), order), holder);
      show();
    }
  };
}

/**
 * A view of tracks.
 * @param {string} title @param {() => Pages} list @param {() => HTMLElement} empty
 */
function tracksView(title, list, empty) {
  return class extends View {
    build() {
      const source = list();
      if (source.list?.of === "saved") this.renewAfter("saved_us", () => source.renew());
      const said = h("p", { class: "lede", role: "status" });
      this.observe(source, () => {
        say(said, source.total ? count(source.total, "track") : "");
        buttons.hidden = !source.total;
      });
      const row = (/** @type {any} */ item, /** @type {number} */ index) =>
        trackRow(item.track ?? item, { play: () => void playFrom(source, index) });
      const buttons = playButtons(title, source);
      buttons.hidden = true;
      fill(
        this,
        h("header", { class: "head" }, h("div", {}, this.heading(title), said), buttons),
        new TrackList({ source, row, label: title, rowHeight: ROW, empty: empty() }),
      );
    }
  };
}

customElements.define("view-albums", gridView("Albums", "album", "/albums", albumCard));
customElements.define("view-artists", gridView("Artists", "artist", "/artists", artistCard));
customElements.define(
  "view-tracks",
  tracksView("Tracks", () => new Pages("/tracks"), noMusic),
);
customElements.define(
  "view-saved",
  tracksView("Saved tracks", savedTracks, () =>
    note("heart", "Nothing is saved yet. Use the heart beside a track to save it.", way("/tracks", "All tracks")),
  ),
);

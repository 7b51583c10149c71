/** The music that this browser keeps: a list to see, to play from without the server, and to remove from. */

import { playShuffled, playTracks } from "../actions.js";
import { canKeep, kept, removeAllKept, removeKept } from "../offline_cache.js";
import { note, way } from "../parts/cards.js";
import { askPerson } from "../parts/dialog.js";
import { fill, h, say } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { keepChoice, plainHint } from "../parts/keeping.js";
import { whole } from "../parts/pages.js";
import { count, size } from "../parts/text.js";
import { attempt } from "../parts/toast.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { store } from "../store.js";
import { View } from "./view.js";

class OfflineView extends View {
  /** The paths that are shown. */
  key = "";
  /** @type {import("../offline_cache.js").Kept[]} */
  found = [];

  build() {
    if (!canKeep()) {
      fill(this, this.heading("Offline"), plainHint());
      return;
    }
    this.said = h("p", { class: "lede", role: "status" });
    this.deeds = h("div", { class: "actions" });
    this.holder = h("div");
    const limit = h("label", { class: "choice" }, h("span", {}, "Keep up to"), keepChoice());
    fill(
      this,
      h("header", { class: "head" }, h("div", {}, this.heading("Offline"), this.said), limit),
      this.deeds,
      this.holder,
    );
    this.listen(navigator.serviceWorker, "message", ({ data }) => data === "kept" && void this.look());
    this.observe(store, () => void this.look());
    void this.look();
  }

  async look() {
    const found = await kept();
    if (!this.isConnected) return;
    const key = found.map(({ path }) => path).join();
    if (this.list && key === this.key) return;
    this.key = key;
    // Tracks that are unchanged keep their rows.
    const known = new Map(this.found.map((kept) => [kept.path, kept]));
    this.found.splice(0, Infinity, ...found.map((kept) => known.get(kept.path) ?? kept));
    this.show();
  }

  show() {
    const { said, deeds, holder, found } = this;
    if (!said || !deeds || !holder) return;
    const tracks = () => found.map(({ track }) => track);
    const bytes = found.reduce((sum, { bytes }) => sum + bytes, 0);
    say(said, found.length ? `${count(found.length, "track")}, ${size(bytes)}, on this device` : "");
    deeds.hidden = found.length === 0;
    if (this.list) return this.list.later();
    fill(
      deeds,
      h("button", { type: "button", class: "primary", onclick: () => void playTracks(tracks()) }, icon("play"), "Play"),
      h("button", { type: "button", onclick: () => void playShuffled(whole(tracks())) }, icon("shuffle"), "Shuffle"),
      h("button", { type: "button", onclick: () => void this.takeOutAll() }, icon("remove"), "Remove all…"),
    );
    this.list = new TrackList({
      source: whole(found),
      label: "Kept on this device",
      rowHeight: ROW,
      row: (item, index) =>
        trackRow(item.track, {
          detail: size(item.bytes),
          play: () => void playTracks(tracks(), found.indexOf(item)),
          menu: () => [
            { label: "Remove from this device", icon: "remove", act: () => void this.takeOut(item.path, index) },
          ],
        }),
      empty: note(
        "offline",
        "Nothing is kept yet. Tracks that you play on this device are kept here while there is room, " +
          "and then play without the server.",
        way("/albums", "All albums"),
      ),
    });
    fill(holder, this.list);
  }

  /** @param {string} path @param {number} index */
  async takeOut(path, index) {
    await attempt(async () => {
      await removeKept(path);
      await this.look();
    }, "Removed from this device.");
    const last = this.found.length - 1;
    if (last >= 0) this.list?.focusEntry(Math.min(index, last));
  }

  async takeOutAll() {
    const text = "The music stays on the server.";
    if (!(await askPerson({ title: "Remove all kept music from this device?", text, yes: "Remove", danger: true })))
      return;
    await attempt(async () => {
      await removeAllKept();
      await this.look();
    }, "Removed from this device.");
  }
}

customElements.define("view-offline", OfflineView);

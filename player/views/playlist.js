/** One playlist: rename, delete, take tracks out, and put them in another order by drag or by keyboard. */

import { all, ask } from "../api.js";
import { MOST_TRACKS, playTracks } from "../actions.js";
import { note, unwrap, way } from "../parts/cards.js";
import { cover } from "../parts/cover.js";
import { askPerson } from "../parts/dialog.js";
import { fill, h } from "../parts/dom.js";
import { whole } from "../parts/pages.js";
import { grip } from "../parts/reorder.js";
import { count, length } from "../parts/text.js";
import { attempt, toast } from "../parts/toast.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { routes } from "../routes.js";
import { store } from "../store.js";
import { playButtons } from "./album.js";
import { View } from "./view.js";

class PlaylistView extends View {
  build() {
    void this.loading(this, (signal) => this.load(signal), () => this.show());
  }

  /** @param {AbortSignal} [signal] */
  async load(signal) {
    this.playlist = await ask(`/playlists/${this.name}`, { signal });
    this.tracks = unwrap(await all(`/playlists/${this.name}/tracks`, 2_000));
  }

  show() {
    const { playlist, tracks } = this;
    if (!playlist || !tracks) return;
    const isOwn = playlist.owner.id === store.session?.user.id;
    const total_ms = tracks.reduce((sum, track) => sum + track.duration_ms, 0);
    const facts = [playlist.owner.display_name, count(playlist.tracks.total, "track"), length(total_ms)];
    const hero = h(
      "header",
      { class: "hero" },
      cover({ images: tracks[0]?.album.images }, 240, "playlist"),
      h(
        "div",
        {},
        h("p", { class: "kind" }, "playlist"),
        this.heading(playlist.name),
        h("p", { class: "facts" }, facts.join(" · ")),
        playButtons(playlist.name, tracks.slice(0, MOST_TRACKS), isOwn ? this.ownEntries() : []),
      ),
    );
    const row = (/** @type {any} */ track, /** @type {number} */ index) =>
      trackRow(track, {
        play: () => void playTracks(tracks, index),
        grip: isOwn ? grip(track.name, index, (to) => void this.move(index, to)) : undefined,
        menu: () => (isOwn ? [{ label: "Remove from this playlist", icon: "remove", act: () => void this.takeOut(track, index) }] : []),
      });
    this.list = new TrackList({ source: whole(tracks), label: playlist.name, rowHeight: ROW, row, empty: note("playlist", "No tracks yet. Add some from their menus.", way("/tracks", "All tracks")) });
    fill(this, hero, this.list);
  }

  /** @returns {import("../parts/menu.js").Entry[]} */
  ownEntries() {
    return [
      { label: "Rename…", icon: "edit", act: () => void this.rename() },
      { label: "Delete…", icon: "remove", act: () => void this.discard() },
    ];
  }

  async again() {
    await this.load();
    this.show();
  }

  /** @param {number} from @param {number} to */
  async move(from, to) {
    if (!this.tracks || to < 0 || to >= this.tracks.length || to === from) return;
    const { snapshot_id } = this.playlist;
    await attempt(async () => {
      const json = { range_start: from, insert_before: to > from ? to + 1 : to, range_length: 1, snapshot_id };
      await ask(`/playlists/${this.name}/tracks`, { method: "PUT", json });
    });
    await attempt(() => this.again());
    this.list?.focusEntry(to, ".grip");
    toast(`Now number ${to + 1}.`);
  }

  /** @param {any} track @param {number} index */
  async takeOut(track, index) {
    const json = { tracks: [{ uri: track.uri, positions: [index] }], snapshot_id: this.playlist.snapshot_id };
    await attempt(async () => {
      await ask(`/playlists/${this.name}/tracks`, { method: "DELETE", json });
      await this.again();
    }, "Removed.");
  }

  async rename() {
    const fields = [{ name: "name", label: "Name", value: this.playlist.name, required: true, maxlength: 100 }];
    const act = (/** @type {Record<string, string>} */ { name }) => ask(`/playlists/${this.name}`, { method: "PUT", json: { name } });
    if (await askPerson({ title: "Rename the playlist", fields, yes: "Rename", act })) await attempt(() => this.again());
  }

  async discard() {
    const text = "The tracks stay in the library.";
    if (!(await askPerson({ title: `Delete “${this.playlist.name}”?`, text, yes: "Delete", danger: true }))) return;
    await attempt(async () => {
      await ask(`/playlists/${this.name}`, { method: "DELETE" });
      routes.go("/playlists", true);
    }, "Deleted.");
  }
}

customElements.define("view-playlist", PlaylistView);

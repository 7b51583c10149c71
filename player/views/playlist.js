/** One playlist: rename and delete it, remove tracks, and move them by dragging or with the keyboard. */

import { ApiError, ask, tracksIn } from "../api.js";
import { MOST_TRACKS, playFrom } from "../actions.js";
import { note, way } from "../parts/cards.js";
import { cover } from "../parts/cover.js";
import { askPerson } from "../parts/dialog.js";
import { fill, h, say } from "../parts/dom.js";
import { Pages } from "../parts/pages.js";
import { playButtons } from "../parts/play_buttons.js";
import { grip } from "../parts/reorder.js";
import { count, length } from "../parts/text.js";
import { attempt, toast } from "../parts/toast.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { routes } from "../routes.js";
import { store } from "../store.js";
import { View } from "./view.js";

class PlaylistView extends View {
  /** @type {any} */
  playlist;
  tracks = new Pages("");
  isChanging = false;

  /** The playlist without its tracks, which are read in pages. */
  get address() {
    return `/playlists/${this.name}?fields=!tracks.items`;
  }

  build() {
    this.tracks = new Pages(`/playlists/${this.name}/tracks`);
    void this.loading(
      this,
      (signal) => this.load(signal),
      () => this.show(),
    );
    this.renewAfter("playlists_us", () => this.renew());
  }

  /** The playlist may have been changed elsewhere. A change that is made here reads it again itself. */
  async renew() {
    if (!this.playlist || this.isChanging) return;
    try {
      const playlist = await ask(this.address, { signal: this.gone.signal });
      const { name, snapshot_id } = this.playlist;
      if (this.isChanging || (playlist.snapshot_id === snapshot_id && playlist.name === name)) return;
      this.playlist = playlist;
      await this.tracks.renew();
      if (this.holder && !this.isChanging) this.showHead(playlist.owner.id === store.session?.user.id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.showMissing(this, "This playlist was deleted.");
      // Otherwise what is shown stays: the next change, or the next visit, reads it again.
    }
  }

  /** @param {AbortSignal} signal */
  async load(signal) {
    [this.playlist] = await Promise.all([ask(this.address, { signal }), this.tracks.begin(MOST_TRACKS)]);
  }

  show() {
    const { playlist, tracks } = this;
    const isOwn = playlist.owner.id === store.session?.user.id;
    const row = (/** @type {any} */ { track }, /** @type {number} */ index) =>
      trackRow(track, {
        play: () => void playFrom(tracks, index),
        grip: isOwn ? grip(track.name, index, (to) => void this.move(index, to)) : undefined,
        menu: () =>
          isOwn
            ? [{ label: "Remove from this playlist", icon: "remove", act: () => void this.takeOut(track, index) }]
            : [],
      });
    this.list = new TrackList({
      source: tracks,
      label: playlist.name,
      rowHeight: ROW,
      row,
      empty: note("playlist", "No tracks yet. Add some from their menus.", way("/tracks", "All tracks")),
    });
    this.holder = h("div");
    fill(this, this.holder, this.list);
    this.observe(tracks, () => this.showFacts());
    this.showHead(isOwn);
  }

  /** @param {boolean} isOwn */
  showHead(isOwn) {
    const { playlist, tracks, holder } = this;
    this.facts = h("p", { class: "facts" });
    const words = h(
      "div",
      {},
      h("p", { class: "kind" }, "playlist"),
      this.heading(playlist.name),
      this.facts,
      playButtons(playlist.name, tracks, isOwn ? this.ownEntries() : []),
    );
    const picture = cover({ images: tracks.get(0)?.track.album.images }, 240, "playlist");
    if (holder) this.exchange(holder, () => fill(holder, h("header", { class: "hero" }, picture, words)));
    this.showFacts();
  }

  /** The length of a list that is not loaded whole is unknown. */
  showFacts() {
    const { playlist, tracks } = this;
    const known = tracksIn(tracks.from(0));
    const isWhole = known.length > 0 && known.length === tracks.total;
    const parts = [
      playlist.owner.display_name,
      count(tracks.total ?? playlist.tracks.total, "track"),
      isWhole && length(known.reduce((sum, track) => sum + track.duration_ms, 0)),
    ];
    if (this.facts) say(this.facts, parts.filter(Boolean).join(" · "));
  }

  /** @returns {import("../parts/menu.js").Entry[]} */
  ownEntries() {
    return [
      { label: "Rename…", icon: "edit", act: () => void this.rename() },
      { label: "Delete…", icon: "remove", act: () => void this.discard() },
    ];
  }

  /**
   * Changes are made one after the other, because each names the version that it changes.
   * @param {string} method @param {object} json @param {string} done @param {() => void} then
   */
  async change(method, json, done, then) {
    if (this.isChanging) return;
    this.isChanging = true;
    await attempt(async () => {
      try {
        const { snapshot_id } = this.playlist;
        Object.assign(
          this.playlist,
          await ask(`/playlists/${this.name}/tracks`, { method, json: { ...json, snapshot_id } }),
        );
        await this.tracks.renew();
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 409) throw error;
        this.playlist = await ask(this.address);
        await this.tracks.renew();
        throw new Error("The playlist was changed elsewhere. The list now shows that change.");
      } finally {
        this.isChanging = false;
      }
      this.showHead(true);
      then();
      toast(done);
    });
  }

  /** @param {number} from @param {number} where */
  async move(from, where) {
    const to = Math.max(0, Math.min(where, (this.tracks.total ?? 0) - 1));
    if (to === from) return;
    const json = { range_start: from, insert_before: to > from ? to + 1 : to, range_length: 1 };
    await this.change("PUT", json, `Now at position ${to + 1}.`, () => this.list?.focusEntry(to, ".grip"));
  }

  /** @param {any} track @param {number} index */
  async takeOut(track, index) {
    const json = { tracks: [{ uri: track.uri, positions: [index] }] };
    await this.change(
      "DELETE",
      json,
      "Removed.",
      () => this.tracks.total && this.list?.focusEntry(Math.min(index, this.tracks.total - 1), ""),
    );
  }

  async rename() {
    const fields = [{ name: "name", label: "Name", value: this.playlist.name, required: true, maxlength: 100 }];
    const act = (/** @type {Record<string, string>} */ { name }) =>
      ask(`/playlists/${this.name}`, { method: "PUT", json: { name } });
    const answer = await askPerson({ title: "Rename the playlist", fields, yes: "Rename", act });
    if (!answer) return;
    this.playlist.name = answer.name;
    this.showHead(true);
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

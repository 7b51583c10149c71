/** One album, one artist, and the address of one track. */

import { all, ask } from "../api.js";
import { MOST_TRACKS, playFrom } from "../actions.js";
import { albumCard } from "../parts/cards.js";
import { cover } from "../parts/cover.js";
import { attribute, fill, h } from "../parts/dom.js";
import { Pages, listAt, whole } from "../parts/pages.js";
import { playButtons } from "../parts/play_buttons.js";
import { count, length, year } from "../parts/text.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { artistLinks, trackRow } from "../parts/track_row.js";
import { routes } from "../routes.js";
import { section, shelf } from "./home.js";
import { View } from "./view.js";

/** The most albums of an artist that are shown. */
const MOST_ALBUMS = 200;

class AlbumView extends View {
  build() {
    void this.loading(
      this,
      (signal) => this.load(signal),
      (found) => this.show(found),
    );
  }

  /** @param {AbortSignal} signal */
  async load(signal) {
    const album = await ask(`/albums/${this.name}`, { signal });
    const { items, next, total } = album.tracks;
    const path = `/albums/${album.id}/tracks`;
    if (!next || total <= MOST_TRACKS) {
      const tracks = next ? await all(path, MOST_TRACKS) : items;
      return { album, tracks, list: whole(tracks, listAt(path)) };
    }
    const list = new Pages(path);
    const track = this.marked && (await ask(`/tracks/${this.marked}`, { signal }).catch(() => undefined));
    const at = track ? await list.find(track.id, track.track_number - 1) : -1;
    return { album, tracks: items, list, at };
  }

  /** The track that the address names. */
  get marked() {
    return new URLSearchParams(location.search).get("track");
  }

  /**
   * @param {{album: any, tracks: any[], list: any, at?: number}} found all tracks, or the first of very many; `at` is
   * the index of the track that the address names
   */
  show({ album, tracks, list, at = -1 }) {
    const genres = [...new Set(tracks.flatMap((track) => track.genres))].slice(0, 3);
    const facts = [year(album), count(album.total_tracks, "track"), length(album.duration_ms), ...genres];
    const hero = h(
      "header",
      { class: "hero" },
      cover(album, 240),
      h(
        "div",
        {},
        h("p", { class: "kind" }, album.album_type),
        this.heading(album.name),
        h("p", { class: "lede" }, artistLinks(album.artists)),
        h("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
        playButtons(album.name, list),
        // Only admins are told.
        album.why && h("p", { class: "detail" }, `One album because ${album.why}.`),
      ),
    );
    const { marked } = this;
    const row = (/** @type {any} */ track, /** @type {number} */ index) => {
      const line = trackRow(track, {
        number: track.track_number || "–",
        hidesAlbum: true,
        play: () => void playFrom(list, index),
      });
      attribute(line, "data-marked", track.id === marked);
      return line;
    };
    if (list.path) {
      const rows = new TrackList({ source: list, label: album.name, rowHeight: ROW, row });
      fill(this, hero, rows);
      if (at >= 0) rows.goTo(at);
      return;
    }
    const discs = [...new Set(tracks.map((track) => track.disc_number))];
    const parts = discs.map((disc) => tracks.filter((track) => track.disc_number === disc));
    const lists = parts.map(
      (part) =>
        new TrackList({
          source: whole(part),
          label: album.name,
          rowHeight: ROW,
          row: (track) => row(track, tracks.indexOf(track)),
        }),
    );
    const headings = discs.map((disc) => discs.length > 1 && h("h2", {}, `Disc ${disc}`));
    fill(this, hero, lists.map((list, index) => [headings[index], list]).flat());
    // The track that the address names is shown and has the focus.
    for (const [index, part] of parts.entries()) {
      const at = part.findIndex((track) => track.id === marked);
      if (at >= 0) lists[index].goTo(at);
    }
  }
}

class ArtistView extends View {
  build() {
    void this.loading(
      this,
      (signal) => this.load(signal),
      (found) => this.show(found),
    );
  }

  /** @param {AbortSignal} signal */
  async load(signal) {
    const tracks = new Pages(`/artists/${this.name}/tracks`);
    const [artist, albums] = await Promise.all([
      ask(`/artists/${this.name}`, { signal }),
      all(`/artists/${this.name}/albums`, MOST_ALBUMS),
      tracks.begin(1),
    ]);
    return { artist, albums, tracks };
  }

  /** @param {{artist: any, albums: any[], tracks: Pages}} found */
  show({ artist, albums, tracks }) {
    const hero = h(
      "header",
      { class: "hero round" },
      cover(artist, 240, "artist"),
      h(
        "div",
        {},
        h("p", { class: "kind" }, "artist"),
        this.heading(artist.name),
        h(
          "p",
          { class: "facts" },
          [artist.album_count > 0 && count(artist.album_count, "album"), count(artist.track_count, "track")]
            .filter(Boolean)
            .join(" · "),
        ),
        playButtons(artist.name, tracks),
      ),
    );
    const row = (/** @type {any} */ track, /** @type {number} */ index) =>
      trackRow(track, { play: () => void playFrom(tracks, index) });
    const list = new TrackList({ source: tracks, label: "Tracks", rowHeight: ROW, row });
    const shown =
      albums.length < artist.album_count
        ? `Albums: ${albums.length} of ${artist.album_count.toLocaleString()}`
        : "Albums";
    fill(
      this,
      hero,
      albums.length > 0 && section(shown, shelf("Albums", albums.map(albumCard))),
      section("Tracks", list),
    );
  }
}

/** The address of a track leads to its album. */
class TrackView extends View {
  build() {
    fill(this, this.heading("Track"));
    const body = h("div");
    this.append(body);
    void this.loading(
      body,
      (signal) => ask(`/tracks/${this.name}`, { signal }),
      (track) => routes.go(`/album/${track.album.id}?track=${track.id}`, true),
    );
  }
}

customElements.define("view-album", AlbumView);
customElements.define("view-artist", ArtistView);
customElements.define("view-track", TrackView);

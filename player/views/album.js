/** One album, one artist, and the address of one track. */

import { all, ask } from "../api.js";
import { MOST_TRACKS, addToPlaylist, enqueue, playShuffled, playTracks } from "../actions.js";
import { albumCard } from "../parts/cards.js";
import { cover } from "../parts/cover.js";
import { fill, h } from "../parts/dom.js";
import { icon, iconButton } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { whole } from "../parts/pages.js";
import { count, length } from "../parts/text.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { artistLinks, trackRow } from "../parts/track_row.js";
import { routes } from "../routes.js";
import { section, shelf } from "./home.js";
import { View } from "./view.js";

/** The buttons above a list of tracks. @param {string} name @param {any[]} tracks @param {import("../parts/menu.js").Entry[]} [more] */
export function playButtons(name, tracks, more = []) {
  const menu = iconButton("more", `More about ${name}`, {
    "aria-haspopup": "menu",
    onclick: () =>
      openMenu(menu, [
        { label: "Play next", icon: "next", act: () => void enqueue(tracks, true) },
        { label: "Add to queue", icon: "queue", act: () => void enqueue(tracks, false) },
        { label: "Add to playlist…", icon: "playlist", act: () => void addToPlaylist(tracks) },
        ...more,
      ], name),
  });
  return h(
    "div",
    { class: "actions" },
    h("button", { type: "button", class: "primary", disabled: tracks.length === 0, onclick: () => void playTracks(tracks) }, icon("play"), "Play"),
    h("button", { type: "button", disabled: tracks.length === 0, onclick: () => void playShuffled(tracks) }, icon("shuffle"), "Shuffle"),
    menu,
  );
}

class AlbumView extends View {
  build() {
    void this.loading(this, (signal) => this.load(signal), (found) => this.show(found));
  }

  /** @param {AbortSignal} signal */
  async load(signal) {
    const album = await ask(`/albums/${this.name}`, { signal });
    const first = album.tracks;
    const rest = first.next ? await all(`/albums/${album.id}/tracks`, MOST_TRACKS - first.items.length, first.items.length) : [];
    return { album, tracks: [...first.items, ...rest] };
  }

  /** @param {{album: any, tracks: any[]}} found */
  show({ album, tracks }) {
    const genres = [...new Set(tracks.flatMap((track) => track.genres))].slice(0, 3);
    const facts = [album.release_date?.slice(0, 4), count(album.total_tracks, "track"), length(album.duration_ms), ...genres];
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
        playButtons(album.name, tracks),
      ),
    );
    const discs = [...new Set(tracks.map((track) => track.disc_number))];
    const lists = discs.map((disc) => [
      discs.length > 1 && h("h2", {}, `Disc ${disc}`),
      this.list(album, tracks, tracks.filter((track) => track.disc_number === disc)),
    ]);
    fill(this, hero, lists.flat());
  }

  /** @param {any} album @param {any[]} tracks @param {any[]} some */
  list(album, tracks, some) {
    return new TrackList({
      source: whole(some),
      label: album.name,
      rowHeight: ROW,
      row: (track) => trackRow(track, { number: track.track_number ?? "–", hidesAlbum: true, play: () => void playTracks(tracks, tracks.indexOf(track)) }),
    });
  }
}

class ArtistView extends View {
  build() {
    void this.loading(this, (signal) => this.load(signal), (found) => this.show(found));
  }

  /** @param {AbortSignal} signal */
  async load(signal) {
    const [artist, albums, tracks] = await Promise.all([
      ask(`/artists/${this.name}`, { signal }),
      all(`/artists/${this.name}/albums`, 200),
      all(`/artists/${this.name}/tracks`, 100),
    ]);
    return { artist, albums, tracks };
  }

  /** @param {{artist: any, albums: any[], tracks: any[]}} found */
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
        h("p", { class: "facts" }, [artist.album_count > 0 && count(artist.album_count, "album"), count(artist.track_count, "track")].filter(Boolean).join(" · ")),
        playButtons(artist.name, tracks),
      ),
    );
    const row = (/** @type {any} */ track, /** @type {number} */ index) => trackRow(track, { play: () => void playTracks(tracks, index) });
    const list = new TrackList({ source: whole(tracks), label: "Tracks", rowHeight: ROW, row });
    fill(this, hero, albums.length > 0 && section("Albums", shelf("Albums", albums.map(albumCard))), section("Tracks", list));
  }
}

/** A shared track leads to its album. */
class TrackView extends View {
  build() {
    fill(this, this.heading("Track"));
    const body = h("div");
    this.append(body);
    void this.loading(body, (signal) => ask(`/tracks/${this.name}`, { signal }), (track) => routes.go(`/album/${track.album.id}`, true));
  }
}

customElements.define("view-album", AlbumView);
customElements.define("view-artist", ArtistView);
customElements.define("view-track", TrackView);

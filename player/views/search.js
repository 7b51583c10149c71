/** Search while typing. */

import { ask, query } from "../api.js";
import { playFrom, playTracks } from "../actions.js";
import { CARD_TEXT, albumCard, artistCard, note, playlistCard } from "../parts/cards.js";
import { fill, h, say, sentence } from "../parts/dom.js";
import { Pages } from "../parts/pages.js";
import { count } from "../parts/text.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { VirtualList } from "../parts/virtual_list.js";
import { routes } from "../routes.js";
import { section, shelf, tracks } from "./home.js";
import { View } from "./view.js";

/** The pause in typing after which the request is sent, in milliseconds. */
const PAUSE_MS = 60;

/** The most results of one kind. */
const MOST_FOUND = 1_000;

/**
 * The kinds of results; a kind without a card is shown as rows.
 * @type {Record<string, {title: string, card?: (item: any) => HTMLElement}>}
 */
const KINDS = {
  artist: { title: "Artists", card: artistCard },
  track: { title: "Tracks" },
  album: { title: "Albums", card: albumCard },
  playlist: { title: "Playlists", card: playlistCard },
};

class SearchView extends View {
  /** Plays the best result, once it is loaded. @type {(() => void) | undefined} */
  best;
  /** Whether Enter was pressed before the results came. */
  isAwaited = false;

  build() {
    this.asked = new AbortController();
    const words = new URLSearchParams(location.search).get("q") ?? "";
    this.input = h("input", {
      type: "search",
      value: words,
      placeholder: "Tracks, albums, artists, playlists",
      "aria-label": "Search",
      autocomplete: "off",
      spellcheck: false,
      enterkeyhint: "search",
    });
    this.said = h("p", { class: "unseen", role: "status" });
    this.results = h("div", { class: "sections" });
    let timer = 0;
    this.endings.push(() => {
      clearTimeout(timer);
      this.asked?.abort();
    });
    this.listen(this.input, "input", () => {
      this.best = undefined;
      this.isAwaited = false;
      clearTimeout(timer);
      timer = setTimeout(() => void this.find(), PAUSE_MS);
    });
    this.listen(this.input, "keydown", (event) => {
      if (event.key === "Escape") {
        // The text stays, and the keys for all views work again.
        event.preventDefault();
        this.input?.blur();
      }
      if (event.key !== "ArrowDown" && event.key !== "Enter") return;
      event.preventDefault();
      if (event.key === "ArrowDown") this.focusFirst();
      else if (this.best) this.best();
      else this.isAwaited = true;
    });
    fill(this, h("div", { class: "search-box" }, this.heading("Search"), this.input), this.said, this.results);
    this.input.focus();
    void this.find();
  }

  focusFirst() {
    /** @type {HTMLElement | null | undefined} */ (
      this.results?.querySelector(".row [data-primary], .card [data-primary]")
    )?.focus();
  }

  /** Sets what Enter does, and does it if Enter was pressed already. @param {(() => void) | undefined} best */
  fits(best) {
    this.best = best;
    if (this.isAwaited) best?.();
    this.isAwaited = false;
  }

  async find() {
    const words = this.input?.value.trim() ?? "";
    const { results } = this;
    if (!results) return;
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    routes.go(words ? query("/search", { q: words, type: this.name || undefined }) : "/search", true);
    if (words && KINDS[this.name]) {
      this.showKind(words);
      return;
    }
    if (!words) {
      fill(results, note("search", "Type a few letters. Accents, capitals and small typing errors do not matter."));
      return;
    }
    try {
      const found = await ask(query("/search", { q: words, type: "track,album,artist,playlist", limit: 12 }), {
        signal,
      });
      this.show(words, found);
    } catch (error) {
      if (!signal.aborted)
        fill(results, note("warning", sentence(error instanceof Error ? error.message : String(error)), [], "alert"));
    }
  }

  /** @param {string} words @param {any} found */
  show(words, found) {
    const { tracks: songs, albums, artists, playlists } = found;
    const hits = [songs, albums, artists, playlists].reduce((sum, page) => sum + (page?.total ?? 0), 0);
    if (this.said) say(this.said, hits ? count(hits, "result") : `Nothing found for ${words}`);
    if (!this.results) return;
    if (hits === 0) {
      fill(this.results, note("search", `Nothing was found for “${words}”. Try fewer letters.`));
      return;
    }
    const all = (/** @type {any} */ page, /** @type {string} */ type) =>
      page.total > page.items.length ? query("/search", { q: words, type }) : undefined;
    fill(
      this.results,
      artists?.items.length > 0 &&
        section("Artists", shelf("Artists", artists.items.map(artistCard)), all(artists, "artist")),
      songs?.items.length > 0 && section("Tracks", tracks("Tracks", songs.items), all(songs, "track")),
      albums?.items.length > 0 && section("Albums", shelf("Albums", albums.items.map(albumCard)), all(albums, "album")),
      playlists?.items.length > 0 &&
        section("Playlists", shelf("Playlists", playlists.items.map(playlistCard)), all(playlists, "playlist")),
    );
    this.fits(songs?.items.length ? () => void playTracks(songs.items) : () => this.focusFirst());
  }

  /** All results of one kind. @param {string} words */
  showKind(words) {
    const { title, card } = KINDS[this.name];
    /** @type {Pages} */
    const source = new Pages("/search", { q: words, type: this.name }, (found) => {
      const page = found[`${this.name}s`];
      return { ...page, total: Math.min(page.total, MOST_FOUND) };
    });
    const play = (/** @type {number} */ index) => void playFrom(source, index);
    const empty = note("search", `Nothing was found for “${words}”. Try fewer letters.`);
    const list = card
      ? new VirtualList({
          source,
          row: card,
          label: title,
          rowHeight: CARD_TEXT,
          minWidth: innerWidth < 700 ? 140 : 180,
          empty,
        })
      : new TrackList({
          source,
          row: (track, index) => trackRow(track, { play: () => play(index) }),
          label: title,
          rowHeight: ROW,
          empty,
        });
    const end = source.watch(() => {
      if (source.total === undefined) return;
      if (this.said) say(this.said, count(source.total, "result"));
      if (source.get(0) && !this.best) this.fits(card ? () => this.focusFirst() : () => play(0));
    });
    this.asked?.signal.addEventListener("abort", end);
    const back = h("a", { class: "more", href: query("/search", { q: words }) }, "Everything");
    if (this.results) fill(this.results, h("section", {}, h("header", {}, h("h2", {}, title), back), list));
  }
}

customElements.define("view-search", SearchView);

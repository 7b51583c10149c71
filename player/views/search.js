/** Search as one types. */

import { ask, query } from "../api.js";
import { playTracks } from "../actions.js";
import { albumCard, artistCard, note, playlistCard } from "../parts/cards.js";
import { fill, h, sentence } from "../parts/dom.js";
import { routes } from "../routes.js";
import { section, shelf, tracks } from "./home.js";
import { View } from "./view.js";

/** A pause in typing after which is asked, in milliseconds. */
const PAUSE_MS = 60;

class SearchView extends View {
  build() {
    this.asked = new AbortController();
    const words = new URLSearchParams(location.search).get("q") ?? "";
    this.input = h("input", { type: "search", value: words, placeholder: "Tracks, albums, artists, playlists", "aria-label": "Search", autocomplete: "off", spellcheck: false, enterkeyhint: "search" });
    this.said = h("p", { class: "unseen", role: "status" });
    this.results = h("div", { class: "sections" });
    let timer = 0;
    this.listen(this.input, "input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => void this.find(), PAUSE_MS);
    });
    this.listen(this.input, "keydown", (event) => {
      if (event.key === "Escape") {
        // What is typed stays, and the keys for all views work again.
        event.preventDefault();
        this.input?.blur();
      }
      if (event.key !== "ArrowDown" && event.key !== "Enter") return;
      const first = /** @type {HTMLElement | null} */ (this.results?.querySelector(".row [data-primary], .card [data-primary]"));
      event.preventDefault();
      if (event.key === "Enter" && this.best) void playTracks(this.best);
      else first?.focus();
    });
    fill(this, h("div", { class: "search-box" }, this.heading("Search"), this.input), this.said, this.results);
    this.input.focus();
    void this.find();
  }

  async find() {
    const words = this.input?.value.trim() ?? "";
    const { results } = this;
    if (!results) return;
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    routes.go(words ? query("/search", { q: words }) : "/search", true);
    if (!words) {
      this.best = undefined;
      fill(results, note("search", "Type a few letters. Accents, capitals and a slip of the finger do not matter."));
      return;
    }
    try {
      const found = await ask(query("/search", { q: words, type: "track,album,artist,playlist", limit: 12 }), { signal });
      this.show(words, found);
    } catch (error) {
      if (!signal.aborted) fill(results, note("warning", sentence(error instanceof Error ? error.message : String(error)), [], "alert"));
    }
  }

  /** @param {string} words @param {any} found */
  show(words, found) {
    const { tracks: songs, albums, artists, playlists } = found;
    const hits = [songs, albums, artists, playlists].reduce((sum, page) => sum + (page?.items.length ?? 0), 0);
    this.best = songs?.items.length ? songs.items : undefined;
    if (this.said) this.said.textContent = hits ? `${hits} results` : `Nothing found for ${words}`;
    if (!this.results) return;
    if (hits === 0) {
      fill(this.results, note("search", `Nothing was found for “${words}”. Fewer letters find more.`));
      return;
    }
    fill(
      this.results,
      artists?.items.length > 0 && section("Artists", shelf("Artists", artists.items.map(artistCard))),
      songs?.items.length > 0 && section("Tracks", tracks("Tracks", songs.items)),
      albums?.items.length > 0 && section("Albums", shelf("Albums", albums.items.map(albumCard))),
      playlists?.items.length > 0 && section("Playlists", shelf("Playlists", playlists.items.map(playlistCard))),
    );
  }
}

customElements.define("view-search", SearchView);

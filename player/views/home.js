/** The first view: tracks played recently, new albums, tracks played most. */

import { ask, tracksIn } from "../api.js";
import { playTracks } from "../actions.js";
import { albumCard, artistCard, note, way } from "../parts/cards.js";
import { fill, h, say } from "../parts/dom.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { whole } from "../parts/pages.js";
import { store } from "../store.js";
import { LOOK_MS, scanText } from "./scan.js";
import { View } from "./view.js";

/** @param {Date} now */
function greeting(now) {
  const hour = now.getHours();
  if (hour < 5) return "Up late";
  return hour < 12 ? "Good morning" : hour < 18 ? "Good afternoon" : "Good evening";
}

class HomeView extends View {
  build() {
    const body = h("div", { class: "sections" });
    fill(this, this.heading(greeting(new Date())), body);
    this.fetch(body);
  }

  /** @param {Element} body */
  fetch(body) {
    void this.loading(
      body,
      (signal) => this.load(signal),
      (found) => this.show(body, found),
    );
  }

  /** There is no music yet: an admin is told what to do, and sees the progress of a scan. @param {Element} body */
  showNothing(body) {
    if (store.session?.user.role !== "admin") {
      fill(body, note("album", "This library has no music yet. An admin of this server can add some."));
      return;
    }
    const said = h("p", { class: "detail", role: "status" });
    const text =
      "This library has no music yet. Name a folder of music when you start the server " +
      "(segue serve --music FOLDER, or “music” in its settings file); the server scans it at once.";
    fill(body, note("album", text, [said, way("/settings", "Look at the library")]));
    let wasRunning = false;
    const look = async () => {
      const scan = await ask("/library/scan", { signal: this.gone.signal });
      say(said, scanText(scan));
      if (wasRunning && !scan.running) this.fetch(body);
      else this.timer = setTimeout(() => void look().catch(() => undefined), LOOK_MS);
      wasRunning = scan.running;
    };
    this.endings.push(() => clearTimeout(this.timer));
    look().catch(() => undefined);
  }

  /** @param {AbortSignal} signal */
  async load(signal) {
    const [recent, fresh, top, artists] = await Promise.all([
      ask("/me/player/recently-played?limit=20", { signal }).then((page) => page.items),
      ask("/albums?sort=newest&limit=18", { signal }).then((page) => page.items),
      ask("/me/top/tracks?limit=10", { signal }).then((page) => page.items),
      ask("/artists?limit=18", { signal }).then((page) => page.items),
    ]);
    return { recent: distinct(tracksIn(recent)).slice(0, 5), fresh, top: tracksIn(top), artists };
  }

  /** @param {Element} body @param {{recent: any[], fresh: any[], top: any[], artists: any[]}} found */
  show(body, { recent, fresh, top, artists }) {
    if (fresh.length === 0) {
      this.showNothing(body);
      return;
    }
    fill(
      body,
      recent.length > 0 && section("Recently played", tracks("Recently played", recent)),
      section("New in your library", shelf("New in your library", fresh.map(albumCard)), "/albums?sort=newest"),
      top.length > 0 && section("Most played", tracks("Most played", top)),
      artists.length > 0 && section("Artists", shelf("Artists", artists.map(artistCard)), "/artists"),
    );
  }
}

/** A row of cards that scrolls sideways. @param {string} label @param {HTMLElement[]} cards */
export function shelf(label, cards) {
  return h(
    "div",
    { class: "shelf", role: "list", tabIndex: 0, "aria-label": label },
    cards.map((card) => Object.assign(card, { role: "listitem" })),
  );
}

/** @param {any[]} tracks */
function distinct(tracks) {
  return [...new Map(tracks.map((track) => [track.id, track])).values()];
}

/** @param {string} title @param {HTMLElement} content @param {string} [more] */
export function section(title, content, more) {
  const link = more && h("a", { class: "more", href: more, "aria-label": `${title}: all` }, "All");
  return h("section", {}, h("header", {}, h("h2", {}, title), link), content);
}

/** A short list of tracks. @param {string} label @param {any[]} items */
export function tracks(label, items) {
  return new TrackList({
    source: whole(items),
    label,
    rowHeight: ROW,
    row: (track, index) => trackRow(track, { play: () => void playTracks(items, index) }),
  });
}

customElements.define("view-home", HomeView);

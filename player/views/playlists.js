/** The user's own playlists. */

import { CARD_TEXT, note, playlistCard, way } from "../parts/cards.js";
import { fill, h } from "../parts/dom.js";
import { Pages } from "../parts/pages.js";
import { createPlaylist } from "../parts/playlist_dialogs.js";
import { attempt } from "../parts/toast.js";
import { VirtualList } from "../parts/virtual_list.js";
import { routes } from "../routes.js";
import { View } from "./view.js";

class PlaylistsView extends View {
  build() {
    const source = new Pages("/me/playlists");
    this.renewAfter("playlists_us", () => source.renew());
    const create = () =>
      attempt(async () => {
        const playlist = await createPlaylist();
        if (playlist) routes.go(`/playlist/${playlist.id}`);
      });
    const list = new VirtualList({
      source,
      row: playlistCard,
      label: "Playlists",
      rowHeight: CARD_TEXT,
      minWidth: innerWidth < 700 ? 140 : 180,
      empty: note(
        "playlist",
        "No playlists yet. Create one, then add tracks to it from their menus.",
        way("/tracks", "All tracks"),
      ),
    });
    const button = h("button", { type: "button", class: "primary", onclick: () => void create() }, "New playlist");
    fill(this, h("header", { class: "head" }, this.heading("Playlists"), button), list);
  }
}

customElements.define("view-playlists", PlaylistsView);

/** Albums, artists and playlists as cards. */

import { playAt } from "../actions.js";
import { cover } from "./cover.js";
import { h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { count, names, year } from "./text.js";

/**
 * What a view shows when it has no content, with what to do about it.
 * @param {string} picture @param {string} text @param {HTMLElement | HTMLElement[]} [then] @param {string} [role]
 */
export function note(picture, text, then = [], role = "status") {
  return h("div", { class: "note", role }, icon(picture), h("p", {}, text), then);
}

/** @param {string} href @param {string} text */
export const way = (href, text) => h("a", { class: "button", href }, text);

/** The height of a card without its picture, in pixels; the style sheet has the same value. */
export const CARD_TEXT = 64;

/**
 * @param {{href: string, name: string, detail: string, picture: HTMLElement, tracks: string, total: number, round?:
 *   boolean}} thing
 */
function card({ href, name, detail, picture, tracks, total, round = false }) {
  const play = iconButton("play", `Play ${name}`, {
    class: "icon-button play",
    onclick: () => void playAt(tracks, total),
  });
  return h(
    "div",
    { class: round ? "card round" : "card" },
    h("a", { href, title: name, "data-primary": true }, picture, h("span", { class: "name", dir: "auto" }, name)),
    h("span", { class: "detail", dir: "auto" }, detail),
    play,
  );
}

/** @param {any} album */
export function albumCard(album) {
  const detail = [names(album.artists), year(album)].filter(Boolean).join(" · ");
  return card({
    href: `/album/${album.id}`,
    name: album.name,
    detail,
    picture: cover(album, 200),
    tracks: `/albums/${album.id}/tracks`,
    total: album.total_tracks,
  });
}

/** @param {any} artist */
export function artistCard(artist) {
  const detail = artist.album_count ? count(artist.album_count, "album") : count(artist.track_count, "track");
  return card({
    href: `/artist/${artist.id}`,
    name: artist.name,
    detail,
    picture: cover(artist, 200, "artist"),
    tracks: `/artists/${artist.id}/tracks`,
    total: artist.track_count,
    round: true,
  });
}

/** @param {any} playlist */
export function playlistCard(playlist) {
  const detail = count(playlist.tracks.total, "track");
  return card({
    href: `/playlist/${playlist.id}`,
    name: playlist.name,
    detail,
    picture: cover(undefined, 200, "playlist"),
    tracks: `/playlists/${playlist.id}/tracks`,
    total: playlist.tracks.total,
  });
}

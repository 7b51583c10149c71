/** The buttons above a list of tracks: Play, Shuffle, and a menu. */

import { MOST_QUEUED, addToPlaylist, copyLink, enqueue, playFrom, playShuffled, tracksOf } from "../actions.js";
import { routes } from "../routes.js";
import { h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { openMenu } from "./menu.js";
import { attempt } from "./toast.js";

/** The most tracks of a list that are added to a playlist at once. */
const MOST_COPIED = 10_000;

/**
 * The buttons above a list of tracks.
 * @param {string} name @param {import("../actions.js").Tracks} list @param {import("../parts/menu.js").Entry[]} [more]
 */
export function playButtons(name, list, more = []) {
  /** @param {(tracks: any[]) => unknown} act @param {number} [most] */
  const withAll = (act, most) => () => void attempt(async () => act(await tracksOf(list, most)));
  const menu = iconButton("more", `More about ${name}`, {
    "aria-haspopup": "menu",
    onclick: () =>
      openMenu(
        menu,
        [
          {
            label: "Play next",
            icon: "next",
            act: withAll((tracks) => enqueue(tracks, true, list.total), MOST_QUEUED),
          },
          {
            label: "Add to queue",
            icon: "queue",
            act: withAll((tracks) => enqueue(tracks, false, list.total), MOST_QUEUED),
          },
          { label: "Add to playlist…", icon: "playlist", act: withAll(addToPlaylist, MOST_COPIED) },
          { label: "Copy link", icon: "link", act: () => void copyLink(routes.path) },
          ...more,
        ],
        name,
      ),
  });
  return h(
    "div",
    { class: "actions" },
    h(
      "button",
      { type: "button", class: "primary", disabled: list.total === 0, onclick: () => void playFrom(list) },
      icon("play"),
      "Play",
    ),
    h(
      "button",
      { type: "button", disabled: list.total === 0, onclick: () => void playShuffled(list) },
      icon("shuffle"),
      "Shuffle",
    ),
    menu,
  );
}

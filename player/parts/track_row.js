/** A track as a row of a list. */

import { save, trackMenu } from "../actions.js";
import { catalogue } from "../catalogue.js";
import { session } from "../session.js";
import { cover } from "./cover.js";
import { attribute, fill, h } from "./dom.js";
import { icon, iconButton, setIcon } from "./icons.js";
import { clock, spoken } from "./text.js";

/** Whether the music is on, and nothing keeps it from sounding. */
const isHeard = () => session.isOn && ["starting", "playing", "buffering"].includes(session.playback?.status ?? "");

/** @param {{id: string, name: string}[]} artists */
export function artistLinks(artists) {
  return h(
    "span",
    { class: "artists" },
    artists.flatMap((artist, index) => [
      index > 0 && ", ",
      h("a", { href: `/artist/${artist.id}`, dir: "auto" }, artist.name),
    ]),
  );
}

/**
 * @param {any} track
 * @param {{number?: number | string, play: () => void, hidesAlbum?: boolean, entry?: string, detail?: string,
 *   menu?: () => import("./menu.js").Entry[], grip?: HTMLElement}} options `entry` names the line's entry of the queue;
 *   a `detail` is said in place of the heart
 */
export function trackRow(track, { number, play, hidesAlbum = false, entry, detail, menu, grip }) {
  const isPlayable = track.is_playable !== false;
  const lead =
    number === undefined
      ? cover({ images: track.album?.images, cover_url: track.cover_url }, 44, "track")
      : h("span", { class: "number" }, number);
  const title = h(
    "button",
    {
      type: "button",
      class: "title",
      "data-primary": true,
      dir: "auto",
      disabled: !isPlayable,
      title: isPlayable ? track.name : "Its file is missing",
      "aria-label": `Play ${track.name}`,
      onclick: play,
    },
    track.name,
  );
  const heart = iconButton("heart", "Save", {
    class: "icon-button heart",
    onclick: () => void save(track.id, catalogue.saved.get(track.id) !== true),
  });
  const more = iconButton("more", `More about ${track.name}`, {
    "aria-haspopup": "menu",
    onclick: () => trackMenu(more, track, menu?.()),
  });
  const row = h(
    "div",
    { class: `row track${hidesAlbum ? " without-album" : ""}${isPlayable ? "" : " missing"}` },
    grip,
    h("span", { class: "lead" }, lead, h("span", { class: "sounding", "aria-hidden": "true" })),
    h("span", { class: "names" }, title, artistLinks(track.artists)),
    hidesAlbum
      ? undefined
      : track.album?.id
        ? h("a", { class: "album", href: `/album/${track.album.id}`, dir: "auto" }, track.album.name)
        : h("span", { class: "album" }),
    detail === undefined ? heart : h("span", { class: "measure" }, detail),
    h(
      "span",
      { class: "time" },
      h("span", { "aria-hidden": "true" }, clock(track.duration_ms)),
      h("span", { class: "unseen" }, spoken(track.duration_ms)),
    ),
    more,
  );
  row.addEventListener("dblclick", (event) => {
    if (isPlayable && !(/** @type {Element} */ (event.target).closest("a, button"))) play();
  });
  row.addEventListener("click", (event) => {
    if (!isTouch(event) || /** @type {Element} */ (event.target).closest("button")) return;
    // The names in a row are links too small for a finger; its menu has them.
    event.preventDefault();
    if (isPlayable) play();
  });
  row.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    trackMenu(more, track, menu?.(), event);
  });
  Object.assign(row, { track, entry });
  refreshRow(row);
  return row;
}

/** Whether a click is made by a finger. @param {MouseEvent} event */
function isTouch(event) {
  const kind = /** @type {PointerEvent} */ (event).pointerType;
  return kind ? kind === "touch" : event.detail > 0 && matchMedia("(hover: none)").matches;
}

/** Shows whether a row's track is saved and whether it plays. @param {HTMLElement} row */
export function refreshRow(row) {
  const { track, entry } = /** @type {any} */ (row);
  if (!track) return;
  const item = session.playback?.item;
  const isCurrent = entry ? item?.id === entry : item?.media_id === track.id;
  attribute(row, "aria-current", isCurrent ? "true" : undefined);
  const sounding = row.querySelector(".sounding");
  const picture = isCurrent ? (isHeard() ? "volume" : "pause") : "";
  if (sounding && sounding.getAttribute("data-icon") !== picture) {
    sounding.setAttribute("data-icon", picture);
    fill(sounding, picture && icon(picture));
  }
  const heart = row.querySelector(".heart");
  const isSaved = catalogue.saved.get(track.id) === true;
  if (heart) {
    setIcon(heart, "heart", isSaved ? `Remove ${track.name} from saved` : `Save ${track.name}`, isSaved);
    attribute(heart, "aria-pressed", String(isSaved));
  }
}

/** Icons on a grid of 24, drawn for this player: solid shapes for actions, lines for places. */

import { h } from "./dom.js";

/** @type {Record<string, string>} paths; those in `LINES` are stroked */
const PATHS = {
  play: "M7 4.5v15a1 1 0 0 0 1.5.86l12-7.5a1 1 0 0 0 0-1.72l-12-7.5A1 1 0 0 0 7 4.5z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  next: "M5 5v14l10-7zM16 5h3v14h-3z",
  previous: "M19 5v14L9 12zM5 5h3v14H5z",
  heart: "M12 20.5C5.5 15.8 3 12.5 3 9a4.8 4.8 0 0 1 9-2.3A4.8 4.8 0 0 1 21 9c0 3.5-2.5 6.8-9 11.5z",
  more:
    "M12 7a1.8 1.8 0 1 0 0-3.6A1.8 1.8 0 0 0 12 7zm0 6.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z" +
    "m0 6.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z",
  home: "M4 11 12 4l8 7v9h-5.5v-6h-5v6H4z",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20.5 20.5",
  album: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  artist: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.6-4 3.5-6 7.5-6s6.9 2 7.5 6",
  track:
    "M9 17.5V5.5l10-2v12M9 17.5a2.8 2.8 0 1 1-5.6 0 2.8 2.8 0 0 1 5.6 0z" +
    "M19 15.5a2.8 2.8 0 1 1-5.6 0 2.8 2.8 0 0 1 5.6 0z",
  playlist: "M4 6h16M4 11h16M4 16h8M17 14v6M14 17h6",
  queue: "M4 6h11M4 11h11M4 16h7M15 14.5v5.5l5-2.75z",
  offline: "M12 4v10M8 10.5l4 4 4-4M5 19.5h14",
  device: "M4 5h16v10H4zM9 19.5h6M12 15v4.5",
  phone: "M8 3h8v18H8zM11 18h2",
  speaker: "M7 3h10v18H7zM12 17a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 7.2v-.2",
  volume: "M4 9.5v5h3.5L12 19V5L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  muted: "M4 9.5v5h3.5L12 19V5L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5",
  repeat: "M5 12V9.5A2.5 2.5 0 0 1 7.5 7H19M16 4l3 3-3 3M19 12v2.5a2.5 2.5 0 0 1-2.5 2.5H5M8 20l-3-3 3-3",
  shuffle: "M3.5 7H7l9 10h4.5M3.5 17H7l2.5-2.8M13 9.8 16 7h4.5M18 4.5 20.5 7 18 9.5M18 14.5l2.5 2.5-2.5 2.5",
  settings:
    "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z" +
    "M9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  keyboard: "M3 6.5h18v11H3zM7 10.2h.01M10.3 10.2h.01M13.7 10.2h.01M17 10.2h.01M8 14h8",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1" + "M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  close: "M6 6l12 12M18 6 6 18",
  edit: "M5 19l1-4L16 5l3 3L9 18z",
  remove: "M5 7h14M9 7V4.5h6V7M7 7l1 13h8l1-13",
  warning: "M12 4 21 20H3zM12 10v5M12 17.5v.3",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
};
const SOLID = new Set(["play", "pause", "next", "previous", "more"]);

/** @param {string} name @param {boolean} [filled] */
export function icon(name, filled = SOLID.has(name)) {
  const holder = h("span", { class: filled ? "icon solid" : "icon", "aria-hidden": "true" });
  holder.innerHTML = `<svg viewBox="0 0 24 24" width="24" height="24"><path d="${PATHS[name]}"/></svg>`;
  return holder;
}

/** The sign of Segue, at this width and height in pixels. @param {number} side */
export function sign(side) {
  const src = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=icon]"))?.href ?? "";
  return h("img", { src, alt: "", width: side, height: side });
}

/**
 * A button with an icon; the label says what it does.
 * @param {string} name @param {string} label @param {Record<string, any>} [properties]
 */
export function iconButton(name, label, properties = {}) {
  return h(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, ...properties },
    icon(name),
  );
}

/** @param {Element} button @param {string} name @param {string} label @param {boolean} [filled] */
export function setIcon(button, name, label, filled) {
  const key = `${name}${filled ?? ""}`;
  if (button.getAttribute("data-icon") !== key) {
    button.setAttribute("data-icon", key);
    button.replaceChildren(icon(name, filled));
  }
  if (button.getAttribute("aria-label") !== label) {
    button.setAttribute("aria-label", label);
    button.setAttribute("title", label);
  }
}

/** The list of the keys. */

import { h } from "./dom.js";

/** @type {[string, string][]} the keys, and what they do */
const KEYS = [
  ["Space", "Play or pause"],
  ["Shift + ←", "Back by 10 seconds"],
  ["Shift + →", "Forward by 10 seconds"],
  ["Shift + P", "Previous track"],
  ["Shift + N", "Next track"],
  ["Shift + ↑", "Louder"],
  ["Shift + ↓", "Softer"],
  ["M", "Mute"],
  ["L", "Save the current track, or remove it from saved"],
  ["S", "Shuffle"],
  ["R", "Repeat: the queue, this track, off"],
  ["/", "Search"],
  ["?", "This list"],
  ["↑ or ↓", "From entry to entry of a list"],
  ["Alt + ↑", "Move an entry up, at its handle in the queue and in playlists"],
  ["Alt + ↓", "Move it down"],
];
const WORDS = new Set(["+", "or"]);

export function showKeys() {
  if (document.querySelector("dialog.keys")) return;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const close = h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "Done");
  const rows = KEYS.map(([keys, what]) => [
    h(
      "dt",
      {},
      keys.split(" ").map((word) => (WORDS.has(word) ? ` ${word} ` : h("kbd", {}, word))),
    ),
    h("dd", {}, what),
  ]);
  const dialog = h(
    "dialog",
    { class: "keys", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, "Keyboard shortcuts"),
    h("dl", { tabIndex: 0, "aria-labelledby": "keys-title" }, rows.flat()),
    h("p", { class: "detail" }, "The single characters can be turned off in the settings."),
    h("div", { class: "actions" }, close),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    focused?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

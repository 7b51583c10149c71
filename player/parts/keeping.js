/** How much music a browser keeps, for its user to choose. */

import { store } from "../store.js";
import { h } from "./dom.js";
import { size } from "./text.js";

/** Megabytes that can be chosen. */
const CHOICES = [0, 256, 1024, 4096, 16384];

/** @returns {HTMLSelectElement} */
export function keepChoice() {
  const choice = h(
    "select",
    {
      "aria-label": "Keep music for offline",
      onchange: () => {
        store.prefer({ keep_mb: Number(choice.value) });
        // Not to be swept away when the disk is full; a browser may say no.
        navigator.storage?.persist?.().catch(() => undefined);
      },
    },
    CHOICES.map((mb) =>
      h("option", { value: String(mb), selected: mb === store.preferences.keep_mb }, mb ? size(mb * 1e6) : "Nothing"),
    ),
  );
  return choice;
}

/** What a page does without that came over plain HTTP. */
export function plainHint() {
  const text =
    "Playing music, moving it to another device and controlling other devices also work over plain HTTP. " +
    "Keeping music for offline use, opening the player without the server and installing it as an app need HTTPS. " +
    "Without HTTPS, anybody on the network can read passwords and music. " +
    "Give the server a certificate (tls_cert, tls_key), or put it behind a proxy that has one.";
  return h("p", { class: "hint" }, h("strong", {}, "Some things need HTTPS"), text);
}

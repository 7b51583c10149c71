/** The choice of how much music this browser keeps. */

import { store } from "../store.js";
import { h } from "./dom.js";
import { size } from "./text.js";

/** The sizes that can be chosen, in megabytes. */
const CHOICES = [0, 256, 1024, 4096, 16384];

/** @returns {HTMLSelectElement} */
export function keepChoice() {
  const choice = h(
    "select",
    {
      "aria-label": "Keep music for offline",
      onchange: () => {
        store.prefer({ keep_mb: Number(choice.value) });
        // Asks the browser not to delete kept music when the disk is full; it may refuse.
        navigator.storage?.persist?.().catch(() => undefined);
      },
    },
    CHOICES.map((mb) =>
      h("option", { value: String(mb), selected: mb === store.preferences.keep_mb }, mb ? size(mb * 1e6) : "Nothing"),
    ),
  );
  return choice;
}

/** What does not work on a page that was loaded over plain HTTP. */
export function plainHint() {
  const text =
    "Playing music, moving it to another device and controlling other devices also work over plain HTTP. " +
    "Keeping music for offline use, opening the player without the server and installing it as an app need HTTPS. " +
    "Without HTTPS, anybody on the network can read passwords and music. " +
    "Give the server a certificate (tls_cert, tls_key), or put it behind a proxy that has one.";
  return h("p", { class: "hint" }, h("strong", {}, "Some things need HTTPS"), text);
}

/** Short words at the edge of the page: what went wrong, or what was done. Read out to those who listen. */

import { h, sentence } from "./dom.js";

/** How long words stay, in milliseconds: longer the more there is to read. @param {string} text */
const stay_ms = (text) => 2_500 + 60 * text.length;

/** There before its first words, or they would not be read out. */
const holder = document.body.appendChild(h("div", { class: "toasts", role: "status", "aria-live": "polite" }));

/** @param {string} text @param {"done" | "wrong"} [kind] */
export function toast(text, kind = "done") {
  const word = h("p", { class: `toast ${kind}` }, text);
  holder.replaceChildren(...[...holder.children].slice(-2), word);
  setTimeout(() => word.remove(), stay_ms(text));
}

/**
 * Does something and says why it did not work, should it not.
 * @param {() => Promise<unknown> | unknown} act @param {string} [done]
 */
export async function attempt(act, done) {
  try {
    await act();
    if (done) toast(done);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    toast(sentence(error instanceof Error ? error.message : String(error)), "wrong");
  }
}

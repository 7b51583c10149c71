/** Short messages at the edge of the page: what failed, or what was done. Screen readers read them out. */

import { attribute, h, sentence } from "./dom.js";

/** How long a message stays, in milliseconds: longer text stays longer. @param {string} text */
const stay_ms = (text) => 2_500 + 60 * text.length;

/** It exists before its first message, or screen readers would not read that one. */
const holder = document.body.appendChild(h("div", { class: "toasts", role: "status", "aria-live": "polite" }));

/** @param {string} text @param {"done" | "wrong"} [kind] */
export function toast(text, kind = "done") {
  const word = h("p", { class: `toast ${kind}` }, text);
  holder.replaceChildren(...[...holder.children].slice(-2), word);
  setTimeout(() => word.remove(), stay_ms(text));
}

/**
 * A module that is loaded when it is needed; says why in words for people if it cannot be.
 * @template T @param {Promise<T>} module @returns {Promise<T>}
 */
export const loaded = (module) =>
  module.catch(() => {
    throw new Error(
      "This part of the page cannot be loaded: the server is away or has a newer one. Load the page again.",
    );
  });

/**
 * Does something, and shows why it failed if it does. The button that was pressed for it is marked until it is done.
 * @param {() => Promise<unknown> | unknown} act @param {string} [done]
 */
export async function attempt(act, done) {
  const { target } = window.event ?? {};
  const button = target instanceof Element ? target.closest("button") : null;
  if (button) attribute(button, "aria-busy", "true");
  try {
    await act();
    if (done) toast(done);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    toast(sentence(error instanceof Error ? error.message : String(error)), "wrong");
  } finally {
    if (button) attribute(button, "aria-busy", undefined);
  }
}

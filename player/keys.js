/** Keys for all views. `parts/key_actions.js` has what they do, `parts/keys_dialog.js` lists them. */

import { togglePlay } from "./actions.js";
import { attempt, loaded } from "./parts/toast.js";
import { session } from "./session.js";
import { store } from "./store.js";

/** With Shift; held down they are repeated. */
const ARROWS = /^Arrow(Left|Right|Up|Down)$/;
/** Single characters, which people can turn off; those in capitals with Shift. */
const CHARACTERS = /^[/?mlsrNP]$/;
/** Keys that do nothing by themselves. */
const MODIFIERS = /^(Shift|Control|Alt|AltGraph|Meta|CapsLock)$/;
/** Where text is written. */
const TEXT = "textarea, input:not([type='range'], [type='checkbox'])";

/** @param {string} name */
const perform = (name) => attempt(async () => (await loaded(import("./parts/key_actions.js"))).ACTIONS[name]());

export const showKeys = () => perform("?");

/** Whether a choice shows its options, which take all keys. @param {Element} at */
const isOpen = (at) => CSS.supports("selector(:open)") && at.matches("select:open");

/** Whether the focus is shown: not after a click, until a key that is none of these is pressed. */
const isFocusShown = () => !document.documentElement.hasAttribute("data-focus-unseen");

/** What a key does, if it does anything here. @param {KeyboardEvent} event @returns {(() => unknown) | undefined} */
function actionOf({ key, shiftKey, target }) {
  const at = /** @type {Element} */ (target);
  if (at.closest(TEXT) || at.closest(".menu") || isOpen(at)) return undefined;
  if (key === " ") {
    const isOnControl = isFocusShown() && at.closest("button, a, summary, input, select") !== null;
    return isOnControl || !session.playback?.item ? undefined : togglePlay;
  }
  if (at.closest("dialog")) return undefined;
  if (shiftKey && ARROWS.test(key)) return at.closest("input, select") ? undefined : () => perform(key);
  // Letters choose an option of a choice.
  if (!store.preferences.keys || at.closest("select")) return undefined;
  const name = shiftKey ? key : key.toLowerCase();
  return CHARACTERS.test(name) ? () => perform(name) : undefined;
}

/**
 * Browsers show the focus of a clicked control as soon as any key is pressed. Here it stays unseen while keys of the
 * player are pressed, because Space would otherwise pause at the first press and press that control at the second.
 * @param {(type: string, listener: (event: any) => void) => void} listen
 */
export function startKeys(listen) {
  const root = document.documentElement;
  let isSpaceTaken = false;
  listen("pointerdown", () => root.setAttribute("data-focus-unseen", ""));
  listen("keydown", (/** @type {KeyboardEvent} */ event) => {
    const { key, ctrlKey, metaKey, altKey, repeat } = event;
    const isOurs = session.player && !ctrlKey && !metaKey && !altKey && !event.defaultPrevented;
    const act = isOurs ? actionOf(event) : undefined;
    if (key === " ") isSpaceTaken = act !== undefined;
    if (!act) {
      if (!MODIFIERS.test(key)) root.removeAttribute("data-focus-unseen");
      return;
    }
    event.preventDefault();
    if (!repeat || ARROWS.test(key)) act();
  });
  // Some browsers press a button when Space is released.
  listen("keyup", (/** @type {KeyboardEvent} */ event) => event.key === " " && isSpaceTaken && event.preventDefault());
}

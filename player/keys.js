/** Keys for all views. `parts/keys_dialog.js` lists them. */

import { save, togglePlay } from "./actions.js";
import { catalogue } from "./catalogue.js";
import { step } from "./media_session.js";
import { attempt, loaded } from "./parts/toast.js";
import { toggleShuffle, turnRepeat } from "./parts/transport.js";
import { turnVolume, volumeOf } from "./parts/volume.js";
import { routes } from "./routes.js";
import { session } from "./session.js";
import { store } from "./store.js";

/** How far Shift with an arrow key seeks, in milliseconds. */
const SEEK_MS = 10_000;
/** How far Shift with an arrow key changes the volume, in hundredths. */
const VOLUME_STEP = 5;
/** Keys that do nothing by themselves. */
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"]);
/** Where text is written. */
const TEXT = "textarea, input:not([type='range'], [type='checkbox'])";

/** @param {object} op */
const command = (op) => attempt(() => session.current.command(/** @type {any} */ (op)));
const device = () => session.active ?? session.own;

function toggleMute() {
  turnVolume(device(), { muted: !volumeOf(device())?.muted });
}

/** @param {number} by */
function changeVolume(by) {
  const now = device();
  const level = Math.max(0, Math.min(100, (volumeOf(now)?.level ?? 80) + by));
  turnVolume(now, { level, muted: false });
}

function like() {
  const id = session.playback?.item?.media_id;
  if (id) void save(id, catalogue.saved.get(id) !== true);
}

export function showKeys() {
  return attempt(async () => (await loaded(import("./parts/keys_dialog.js"))).showKeys());
}

/** Single characters: people can turn these off. @type {Record<string, () => unknown>} */
const CHARACTERS = {
  "/": () => routes.go("/search"),
  "?": showKeys,
  m: toggleMute,
  l: like,
  s: () => toggleShuffle(true),
  r: () => turnRepeat(true),
};
/** With Shift. @type {Record<string, () => unknown>} */
const SHIFTED = {
  ArrowRight: () => step(SEEK_MS),
  ArrowLeft: () => step(-SEEK_MS),
  ArrowUp: () => changeVolume(VOLUME_STEP),
  ArrowDown: () => changeVolume(-VOLUME_STEP),
};
/** Letters with Shift: people can turn these off too. @type {Record<string, () => unknown>} */
const SHIFTED_LETTERS = { N: () => command({ op: "next" }), P: () => command({ op: "previous" }) };

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
  if (shiftKey && SHIFTED[key]) return at.closest("input, select") ? undefined : SHIFTED[key];
  // Letters choose an option of a choice.
  if (!store.preferences.keys || at.closest("select")) return undefined;
  return (shiftKey && SHIFTED_LETTERS[key]) || CHARACTERS[shiftKey ? key : key.toLowerCase()];
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
      if (!MODIFIERS.has(key)) root.removeAttribute("data-focus-unseen");
      return;
    }
    event.preventDefault();
    if (!repeat || (event.shiftKey && SHIFTED[key])) act();
  });
  // Some browsers press a button when Space is released.
  listen("keyup", (/** @type {KeyboardEvent} */ event) => event.key === " " && isSpaceTaken && event.preventDefault());
}

/** What the keys do, except Space. */

import { save } from "../actions.js";
import { catalogue } from "../catalogue.js";
import { step } from "../media_session.js";
import { routes } from "../routes.js";
import { session } from "../session.js";
import { showKeys } from "./keys_dialog.js";
import { attempt } from "./toast.js";
import { toggleShuffle, turnRepeat } from "./transport.js";
import { turnVolume, volumeOf } from "./volume.js";

/** How far Shift with an arrow key seeks, in milliseconds. */
const SEEK_MS = 10_000;
/** How far Shift with an arrow key changes the volume, in hundredths. */
const VOLUME_STEP = 5;

/** @param {string} op */
const command = (op) => attempt(() => session.current.command({ op }));
const device = () => session.active ?? session.own;

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

/** By the names that `keys.js` lists. @type {Record<string, () => unknown>} */
export const ACTIONS = {
  "/": () => routes.go("/search"),
  "?": showKeys,
  m: () => turnVolume(device(), { muted: !volumeOf(device())?.muted }),
  l: like,
  s: () => toggleShuffle(true),
  r: () => turnRepeat(true),
  N: () => command("next"),
  P: () => command("previous"),
  ArrowRight: () => step(SEEK_MS),
  ArrowLeft: () => step(-SEEK_MS),
  ArrowUp: () => changeVolume(VOLUME_STEP),
  ArrowDown: () => changeVolume(-VOLUME_STEP),
};

/** The playback buttons, and the words for the state of the music; the bar and the view "Now playing" share them. */

import { save, togglePlay } from "../actions.js";
import { catalogue } from "../catalogue.js";
import { session } from "../session.js";
import { attribute, h } from "./dom.js";
import { iconButton, setIcon } from "./icons.js";
import { rareKind } from "./text.js";
import { attempt } from "./toast.js";

/** @typedef {{element: HTMLElement, refresh: () => void}} Part */

/** @param {string} op */
const command = (op) => () => void attempt(() => session.current.command({ op }));

/** Shuffle, previous, play, next, repeat. @returns {Part} */
export function transport() {
  const shuffle = iconButton("shuffle", "Shuffle", { class: "icon-button minor", onclick: () => void toggleShuffle() });
  const previous = iconButton("previous", "Previous", { onclick: command("previous") });
  /** @type {"play" | "pause" | undefined} what the button showed when it was pressed */
  let pressed;
  const shown = () => (session.isOn ? "pause" : "play");
  const play = iconButton("play", "Play", {
    class: "icon-button big",
    onpointerdown: () => (pressed = shown()),
    onclick: () => {
      void togglePlay(pressed);
      pressed = undefined;
    },
  });
  const next = iconButton("next", "Next", { onclick: command("next") });
  const repeat = iconButton("repeat", "Repeat", { class: "icon-button minor", onclick: () => void turnRepeat() });
  const element = h(
    "div",
    { class: "transport", role: "group", "aria-label": "Playback" },
    shuffle,
    previous,
    play,
    next,
    repeat,
  );
  const refresh = () => {
    const { playback, isOn } = session;
    setIcon(play, isOn ? "pause" : "play", isOn ? "Pause" : "Play");
    play.classList.toggle("waits", isOn && ["starting", "buffering"].includes(playback?.status ?? ""));
    for (const button of [previous, play, next]) button.disabled = !playback?.item;
    attribute(shuffle, "aria-pressed", String(playback?.shuffle === true));
    const mode = playback?.repeat ?? "off";
    attribute(repeat, "aria-pressed", String(mode !== "off"));
    attribute(repeat, "data-mode", mode);
    attribute(repeat, "aria-label", { off: "Repeat: off", all: "Repeat: the queue", one: "Repeat: this track" }[mode]);
  };
  return { element, refresh };
}

/** @param {boolean} [says] whether a message says what holds now */
export function toggleShuffle(says = false) {
  const on = !session.playback?.shuffle;
  const done = on ? "Shuffle is on." : "Shuffle is off.";
  return attempt(() => session.current.command({ op: "shuffle", on }), says ? done : undefined);
}

/** @param {boolean} [says] whether a message says what holds now */
export function turnRepeat(says = false) {
  const mode = { off: "all", all: "one", one: "off" }[session.playback?.repeat ?? "off"] ?? "off";
  const done = { off: "Repeat is off.", all: "The queue repeats.", one: "This track repeats." }[mode];
  return attempt(() => session.current.command({ op: "repeat", mode }), says ? done : undefined);
}

/** The button that saves the current track. @returns {Part} */
export function heartOfCurrent() {
  const element = iconButton("heart", "Save", {
    class: "icon-button heart",
    onclick: () => {
      const id = session.playback?.item?.media_id;
      if (id) void save(id, catalogue.saved.get(id) !== true);
    },
  });
  const refresh = () => {
    const id = session.playback?.item?.media_id;
    element.hidden = !id;
    if (!id) return;
    const isSaved = catalogue.saved.get(id) === true;
    setIcon(element, "heart", isSaved ? "Remove from saved" : "Save", isSaved);
    attribute(element, "aria-pressed", String(isSaved));
    if (session.link === "up") catalogue.askSaved([id]).catch(() => undefined);
  };
  return { element, refresh };
}

/** Shows that a track could not be played, and on which device. @returns {string} */
function skipped() {
  const at = session.playback?.unplayable?.device_id;
  if (!at) return "";
  const device = session.devices.find(({ id }) => id === at);
  return `Skipped a track that ${at === session.ownId ? "this tab" : (device?.name ?? "the device")} cannot play.`;
}

/**
 * Says that the current track cannot be played, and why if its format is a rare one.
 * @param {boolean} isHere @param {string} name
 */
function failed(isHere, name) {
  const id = session.playback?.item?.media_id;
  const kind = id && rareKind(catalogue.track(id)?.audio);
  if (!kind) return `This track cannot be played ${isHere ? "here" : `on ${name}`}.`;
  return isHere
    ? `This browser cannot play ${kind}: try another browser or device.`
    : `${name} cannot play ${kind}: try another device.`;
}

/** What is wrong with the playback, in words; empty when nothing is. @returns {string} */
export function trouble() {
  const { playback, active, isOn } = session;
  const name = active?.id === session.ownId ? "this tab" : (active?.name ?? "the device");
  if (playback?.status === "lost") {
    return `${active?.name ?? "The device that plays"} is out of reach. Press play to go on here.`;
  }
  if (!playback || !isOn) return "";
  switch (playback.status) {
    case "buffering":
      return `Loading on ${name}…`;
    case "blocked":
      return active?.id === session.ownId
        ? ""
        : `${active?.name ?? "The device"} waits for a click: its browser does not allow sound before one.`;
    case "failed":
      return failed(active?.id === session.ownId, name);
    case "paused":
      return `Paused by ${name} itself.`;
    default:
      return skipped();
  }
}

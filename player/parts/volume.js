/** The volume slider of a device. */

import { session } from "../session.js";
import { attribute, h } from "./dom.js";
import { iconButton, setIcon } from "./icons.js";
import { attempt } from "./toast.js";

/** @import {Device} from "../rules/types.js" */

/** The shortest time between two commands while a volume slider is dragged, in milliseconds. */
const DRAG_MS = 60;
/** While a person moves a slider, and this long after, it does not follow the device's volume, in milliseconds. */
const HELD_MS = 600;

/** The volume of a device; this one's own is known before the server has it. @param {Device | undefined} device */
export const volumeOf = (device) =>
  device?.id === session.ownId ? session.player?.client.device.volume : device?.volume;

/**
 * Sets the volume of a device, this one's at once.
 * @param {Device | undefined} device @param {{level?: number, muted?: boolean}} change
 */
export function turnVolume(device, change) {
  if (!device) return;
  const { level = 80, muted = false } = volumeOf(device) ?? {};
  if (device.id === session.ownId) session.current.setVolume(change.level ?? level, change.muted ?? muted);
  else void attempt(() => session.current.command({ op: "volume", device_id: device.id, ...change }));
}

/** The volume slider of a device; hidden while the volume is unknown. @param {() => Device | undefined} deviceOf */
export function volumeControl(deviceOf) {
  const mute = iconButton("volume", "Mute", {
    onclick: () => turnVolume(deviceOf(), { muted: !volumeOf(deviceOf())?.muted }),
  });
  const slider = h("input", {
    type: "range",
    class: "volume",
    min: "0",
    max: "100",
    step: "1",
    "aria-label": "Volume",
    oninput: () => drag(),
  });
  const element = h("span", { class: "volume-control" }, mute, slider);
  let timer = 0;
  let held = 0;
  const drag = () => {
    clearTimeout(held);
    held = setTimeout(() => {
      held = 0;
      refresh();
    }, HELD_MS);
    slider.style.setProperty("--fill", String(Number(slider.value) / 100));
    timer ||= setTimeout(() => {
      timer = 0;
      turnVolume(deviceOf(), { level: Number(slider.value), muted: false });
    }, DRAG_MS);
  };
  const refresh = () => {
    const device = deviceOf();
    const volume = volumeOf(device);
    const isMuted = volume?.muted === true || volume?.level === 0;
    setIcon(mute, isMuted ? "muted" : "volume", isMuted ? "Unmute" : "Mute");
    element.classList.toggle("unknown", !volume);
    mute.disabled = slider.disabled = !device || device.presence === "away";
    attribute(slider, "aria-label", device ? `Volume of ${device.name}` : "Volume");
    if (held) return;
    slider.value = String(volume?.muted ? 0 : (volume?.level ?? 0));
    slider.style.setProperty("--fill", String(Number(slider.value) / 100));
    attribute(slider, "aria-valuetext", volume ? `${slider.value} %` : "unknown");
  };
  return { element, refresh };
}

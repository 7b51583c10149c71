/** The list of devices: which one plays, moving the music with one click, and the volume of each. */

import { session } from "../session.js";
import { askPerson } from "./dialog.js";
import { Component, attribute, fill, h, say } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { openMenu } from "./menu.js";
import { attempt } from "./toast.js";
import { volumeControl } from "./volume.js";

/** @import {Device} from "../rules/types.js" */

/** @type {Record<string, string>} */
const ICONS = { phone: "phone", speaker: "speaker", browser: "device", computer: "device", terminal: "device" };
/** The state of a device, in words. @param {Device} device */
function stateOf(device) {
  const { playback } = session;
  const transfer = playback?.transfer;
  if (transfer?.to === device.id) return "The music is moving…";
  if (playback?.active?.device_id !== device.id) {
    if (device.presence === "away") return "Out of reach";
    return device.plays ? "Ready" : "Remote control";
  }
  if (device.presence === "away" || playback.status === "lost") return "Out of reach, was playing";
  return {
    playing: "Playing",
    paused: "Paused",
    buffering: "Loading…",
    starting: "Starting…",
    blocked: "Waits for a click",
    failed: "Cannot play this",
    ended: "At the end of the queue",
    idle: "Ready",
    lost: "",
  }[playback.status];
}

export class DeviceList extends Component {
  build() {
    this.setAttribute("role", "list");
    this.setAttribute("aria-label", "Devices");
    /** @type {Map<string, {row: HTMLElement, refresh: (device: Device) => void}>} */
    this.rows = new Map();
    this.observe(session, () => this.refresh());
    this.refresh();
  }

  refresh() {
    const { devices, ownId } = session;
    const rows = this.rows ?? new Map();
    for (const [id, { row }] of rows) {
      if (devices.some((device) => device.id === id)) continue;
      row.remove();
      rows.delete(id);
    }
    // In the order in which they came: a row that changes places under a finger is hit by mistake.
    const rank = (/** @type {Device} */ { id, presence }) =>
      id === session.playback?.active?.device_id ? 0 : id === ownId ? 1 : presence === "online" ? 2 : 3;
    for (const device of [...devices].sort((a, b) => rank(a) - rank(b) || a.since_us - b.since_us)) {
      let known = rows.get(device.id);
      if (!known) {
        known = deviceRow(device);
        rows.set(device.id, known);
        this.append(known.row);
      }
      known.refresh(device);
    }
    if (devices.length === 0)
      fill(this, h("p", { class: "note" }, "No connection to the server: the other devices are not known."));
    else this.querySelector(":scope > .note")?.remove();
  }
}

/** @param {Device} first */
function deviceRow(first) {
  const { id } = first;
  let device = first;
  const name = h("strong", { dir: "auto" });
  const order = h("span", { class: "unseen" }, "Move the music to ");
  const doing = h("span", { class: "detail" });
  const move = h(
    "button",
    {
      type: "button",
      class: "move",
      onclick: () => void attempt(() => session.current.command({ op: "transfer", to: id, mode: "keep" })),
    },
    h("span", { class: "picture" }, icon(ICONS[first.kind] ?? "device")),
    h("span", { class: "names" }, order, name, doing),
  );
  const volume = volumeControl(() => device);
  const more = iconButton("more", "More", { "aria-haspopup": "menu", onclick: () => deviceMenu(more, device) });
  const row = h("div", { class: "row device", role: "listitem" }, move, volume.element, more);
  return {
    row,
    /** @param {Device} now */
    refresh(now) {
      device = now;
      const isActive = session.playback?.active?.device_id === id;
      const isOwn = session.ownId === id;
      say(name, isOwn ? `${now.name} (this tab)` : now.name);
      say(doing, stateOf(now) ?? "");
      attribute(row, "aria-current", isActive ? "true" : undefined);
      row.classList.toggle("away", now.presence === "away");
      move.disabled = isActive || !now.plays || now.presence === "away";
      order.hidden = move.disabled;
      attribute(more, "aria-label", `More about ${now.name}`);
      volume.refresh();
    },
  };
}

/** @param {HTMLElement} button @param {Device} device */
function deviceMenu(button, device) {
  const isActive = session.playback?.active?.device_id === device.id;
  const play = () => attempt(() => session.current.command({ op: "transfer", to: device.id, mode: "play" }));
  openMenu(
    button,
    [
      !isActive && device.plays && { label: "Play here", icon: "play", act: () => void play() },
      { label: "Rename…", icon: "edit", act: () => void rename(device) },
      { label: "Forget…", icon: "remove", act: () => void forget(device) },
    ],
    device.name,
  );
}

/** @param {Device} device */
async function rename(device) {
  const fields = [{ name: "name", label: "Name", value: device.name, required: true, maxlength: 64 }];
  const answer = await askPerson({ title: "Rename the device", fields, yes: "Rename" });
  if (answer)
    await attempt(() => session.current.command({ op: "device.rename", device_id: device.id, name: answer.name }));
}

/** @param {Device} device */
async function forget(device) {
  const isOwn = device.id === session.ownId;
  const text = isOwn
    ? "This tab will be disconnected until it is loaded again."
    : "It leaves the list, and stops if it plays. It comes back when it connects again.";
  if (!(await askPerson({ title: `Forget “${device.name}”?`, text, yes: "Forget", danger: true }))) return;
  await attempt(() => session.current.command({ op: "device.forget", device_id: device.id }));
}

customElements.define("device-list", DeviceList);

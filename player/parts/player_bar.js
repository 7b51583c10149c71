/** The bar below every view: what plays, at which place, on which device. */

import { addToPlaylist, save } from "../actions.js";
import { catalogue } from "../catalogue.js";
import { showKeys } from "../keys.js";
import { routes } from "../routes.js";
import { session } from "../session.js";
import { cover } from "./cover.js";
import { Component, attribute, fill, h, say } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { openMenu, place } from "./menu.js";
import { SeekBar } from "./seek_bar.js";
import { attempt, loaded } from "./toast.js";
import { artistLinks } from "./track_row.js";
import { heartOfCurrent, transport, trouble } from "./transport.js";
import { turnVolume, volumeControl, volumeOf } from "./volume.js";

/** What a narrow bar has no room for. @returns {import("./menu.js").Entry[]} */
function lesser() {
  const id = session.playback?.item?.media_id;
  const track = id && catalogue.known(id);
  const isSaved = id !== undefined && catalogue.saved.get(id) === true;
  const device = session.active ?? session.own;
  const isMuted = volumeOf(device)?.muted === true;
  return [
    id && { label: isSaved ? "Remove from saved" : "Save", icon: "heart", act: () => void save(id, !isSaved) },
    track && { label: "Add to playlist…", icon: "playlist", act: () => void addToPlaylist([track]) },
    { label: "Queue", icon: "queue", act: () => routes.go("/queue") },
    device && {
      label: isMuted ? "Unmute" : "Mute",
      icon: isMuted ? "volume" : "muted",
      act: () => turnVolume(device, { muted: !isMuted }),
    },
    { label: "Keyboard shortcuts", icon: "keyboard", act: () => void showKeys() },
  ];
}

export class PlayerBar extends Component {
  /** The entry and the track that are shown. */
  key = "";

  build() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Player");
    this.what = h("div", { class: "what" });
    this.steer = transport();
    this.heart = heartOfCurrent();
    this.volume = volumeControl(() => session.active ?? session.own);
    this.where = h("span", { class: "where-name", dir: "auto" });
    this.whereButton = h(
      "button",
      {
        type: "button",
        class: "where",
        "aria-haspopup": "dialog",
        onclick: () => void attempt(() => this.openDevices()),
      },
      icon("device"),
      this.where,
    );
    this.trouble = h("p", { class: "trouble", role: "status" });
    const queue = h(
      "a",
      { class: "icon-button", href: "/queue", "aria-label": "Queue", title: "Queue" },
      icon("queue"),
    );
    const more = iconButton("more", "More", {
      class: "icon-button bar-more",
      "aria-haspopup": "menu",
      onclick: () => openMenu(more, lesser(), "More"),
    });
    const side = h("div", { class: "side" }, this.heart.element, queue, this.whereButton, this.volume.element, more);
    fill(this, this.trouble, this.what, h("div", { class: "middle" }, this.steer.element, new SeekBar()), side);
    this.observe(session, () => this.refresh());
    this.observe(catalogue, () => this.refresh());
    this.refresh();
  }

  refresh() {
    const { playback } = session;
    this.steer?.refresh();
    this.heart?.refresh();
    this.volume?.refresh();
    if (this.trouble) {
      say(this.trouble, trouble());
      this.trouble.hidden = !this.trouble.textContent;
    }
    this.classList.toggle("idle", !playback?.item);
    const { active } = session;
    const isElsewhere = active && active.id !== session.ownId;
    const isSomewhere = active || session.isHere;
    if (this.where && this.whereButton) {
      this.where.title = active?.name ?? "";
      say(this.where, isElsewhere ? active.name : isSomewhere ? "This tab" : "Devices");
      attribute(
        this.whereButton,
        "aria-label",
        isElsewhere
          ? `Devices: ${active.name} has the music`
          : isSomewhere
            ? "Devices: this tab has the music"
            : "Devices",
      );
      this.whereButton.classList.toggle("elsewhere", Boolean(isElsewhere));
    }
    this.showWhat();
  }

  showWhat() {
    const item = session.playback?.item;
    const track = item && catalogue.track(item.media_id);
    const key = `${item?.id}.${track?.id}`;
    if (!this.what || key === this.key) return;
    this.key = key;
    if (!item) {
      fill(
        this.what,
        cover(undefined, 56, "track"),
        h("span", { class: "names" }, h("span", { class: "detail" }, "Nothing plays yet")),
      );
      return;
    }
    fill(
      this.what,
      h(
        "a",
        { href: "/now", class: "open", "aria-label": "Open the player" },
        cover({ images: track?.album.images, cover_url: track?.cover_url }, 56, "track"),
      ),
      h(
        "span",
        { class: "names" },
        h(
          "a",
          { class: "title", href: track ? `/album/${track.album.id}` : "/queue", dir: "auto" },
          track?.name ?? "…",
        ),
        track ? artistLinks(track.artists) : undefined,
      ),
    );
  }

  async openDevices() {
    const { whereButton } = this;
    if (!whereButton) return;
    const { DeviceList } = await loaded(import("./devices.js"));
    const close = iconButton("close", "Close", { onclick: () => panel.hidePopover() });
    const panel = h(
      "div",
      { class: "panel", role: "dialog", "aria-label": "Devices", popover: "auto" },
      h("header", {}, h("h2", {}, "Devices"), close),
      new DeviceList(),
      h("a", { class: "more", href: "/devices", onclick: () => panel.hidePopover() }, "All devices"),
    );
    panel.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
      panel.remove();
      if (!document.activeElement || document.activeElement === document.body) whereButton.focus();
    });
    document.body.append(panel);
    panel.showPopover();
    place(panel, whereButton, this);
    /** @type {HTMLElement} */ (panel.querySelector(".move:not(:disabled)") ?? close).focus();
  }
}

customElements.define("player-bar", PlayerBar);

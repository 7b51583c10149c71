/** The player in full size, and the view of the devices. */

import { catalogue } from "../catalogue.js";
import { cover } from "../parts/cover.js";
import { DeviceList } from "../parts/devices.js";
import { fill, h, say } from "../parts/dom.js";
import { SeekBar } from "../parts/seek_bar.js";
import { artistLinks } from "../parts/track_row.js";
import { heartOfCurrent, transport, trouble } from "../parts/transport.js";
import { volumeControl } from "../parts/volume.js";
import { session } from "../session.js";
import { View } from "./view.js";

class NowView extends View {
  build() {
    const steer = transport();
    const heart = heartOfCurrent();
    const volume = volumeControl(() => session.active ?? session.own);
    const picture = h("div", { class: "picture" });
    const words = h("div", { class: "words" });
    const said = h("p", { class: "trouble", role: "status" });
    const where = h("a", { class: "where", href: "/devices" });
    const title = this.heading("Now playing");
    title.className = "unseen";
    let key = "";
    const refresh = () => {
      const item = session.playback?.item;
      const track = item && catalogue.track(item.media_id);
      for (const part of [steer, heart, volume]) part.refresh();
      say(said, trouble());
      say(where, session.active ? `On ${session.active.name}` : session.isHere ? "On this tab" : "On no device");
      if (`${item?.id}.${track?.id}` === key) return;
      key = `${item?.id}.${track?.id}`;
      fill(picture, cover({ images: track?.album.images, cover_url: track?.cover_url }, 480, "track"));
      fill(
        words,
        h("p", { class: "title", dir: "auto" }, track?.name ?? (item ? "…" : "Nothing plays yet")),
        track && h("p", {}, artistLinks(track.artists)),
        track &&
          h("p", { class: "detail" }, h("a", { href: `/album/${track.album.id}`, dir: "auto" }, track.album.name)),
      );
    };
    this.observe(session, refresh);
    this.observe(catalogue, refresh);
    const line = h("div", { class: "line" }, words, heart.element);
    const links = h("div", { class: "line" }, where, h("a", { href: "/queue" }, "Queue"));
    fill(
      this,
      title,
      picture,
      h("div", { class: "deck" }, line, new SeekBar(), steer.element, volume.element, said, links),
    );
    refresh();
  }
}

class DevicesView extends View {
  build() {
    const text = "One device plays at a time. Choose another one, and the music goes on there from the same place.";
    fill(
      this,
      h("header", { class: "head" }, h("div", {}, this.heading("Devices"), h("p", { class: "lede" }, text))),
      new DeviceList(),
    );
  }
}

customElements.define("view-now", NowView);
customElements.define("view-devices", DevicesView);

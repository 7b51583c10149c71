/** The queue: play from any entry, move and remove entries, clear it. */

import { catalogue } from "../catalogue.js";
import { note, way } from "../parts/cards.js";
import { Component, fill, h, say } from "../parts/dom.js";
import { grip } from "../parts/reorder.js";
import { count } from "../parts/text.js";
import { attempt } from "../parts/toast.js";
import { ROW, TrackList } from "../parts/track_list.js";
import { trackRow } from "../parts/track_row.js";
import { routes } from "../routes.js";
import { session } from "../session.js";
import { canRestore, clearQueue, findCurrent, restoreQueue } from "../whole_queue.js";
import { View, entitle } from "./view.js";

/** @import {Item, Op} from "../rules/types.js" */

/** An entry whose track is not loaded yet. @param {Item} item */
const unknown = (item) => ({
  id: item.media_id,
  name: "…",
  artists: [],
  album: {},
  duration_ms: item.duration_ms ?? 0,
});

/** A list that marks what comes before and after the current entry. */
class QueueList extends TrackList {
  current = -1;

  /** @param {number} current the index of the current entry */
  mark(current) {
    this.current = current;
    for (const [index, { element }] of this.shown) {
      element.classList.toggle("before", index < current);
      element.classList.toggle("next", index === current + 1);
    }
  }

  /** @param {number} from @param {number} to */
  place(from, to) {
    super.place(from, to);
    this.mark(this.current);
  }
}

customElements.define("queue-list", QueueList);

class QueueView extends View {
  isOpened = false;
  looked = "";

  build() {
    const said = h("p", { class: "lede", role: "status" });
    const clear = h("button", { type: "button", onclick: () => void attempt(clearQueue, "Cleared.") }, "Clear");
    const undo = h("button", { type: "button", onclick: () => void attempt(restoreQueue) }, "Undo clearing");
    const where = h("button", { type: "button", class: "quiet", title: "Show the current track" });
    where.addEventListener("click", () => list.reveal(session.current.currentIndex() ?? 0));
    const buttons = h("div", { class: "actions" }, where, clear, undo);
    const head = h("header", { class: "head" }, h("div", {}, this.heading("Queue"), said), buttons);
    /**
     * An entry is the same object as long as its track is, so that its row is not created again.
     * @type {Map<string, {item: Item, track: any}>}
     */
    const known = new Map();
    const list = new QueueList({
      source: {
        get total() {
          return session.playback?.queue_length;
        },
        get: (index) => {
          const item = session.current.entry(index);
          if (!item) return undefined;
          const track = catalogue.track(item.media_id);
          const entry = known.get(item.id);
          if (entry && entry.track === track) return entry;
          const fresh = { item, track };
          known.set(item.id, fresh);
          return fresh;
        },
        want: (from, to) => {
          session.current.loadQueue(from);
          session.current.loadQueue(Math.max(from, to - 1));
        },
        watch: (watcher) => {
          const ends = [session.watch(watcher), catalogue.watch(watcher)];
          return () => ends.forEach((end) => end());
        },
      },
      row: (entry, index) => this.row(entry, index),
      rowHeight: ROW,
      under: head,
      label: "Queue",
      empty: note(
        "queue",
        "The queue is empty. Play something, or add tracks from their menus.",
        way("/albums", "All albums"),
      ),
    });
    let revision = "";
    this.observe(session, () => {
      const total = session.playback?.queue_length ?? 0;
      say(said, total ? count(total, "track") : "");
      clear.hidden = total < 2;
      undo.hidden = !canRestore();
      const at = this.lookForCurrent(list);
      where.hidden = total < 2 || at === undefined;
      if (at !== undefined) say(where, `${at.toLocaleString()} before, ${(total - at - 1).toLocaleString()} next`);
      // Not before, because the head covers what is below it, and these words make it higher.
      if (at !== undefined) this.open(list, at);
      const now = `${session.playback?.epoch}.${session.playback?.queue_revision}`;
      if (now === revision) return;
      revision = now;
      known.clear();
      list.later();
    });
    this.list = list;
    fill(this, head, list);
    session.changed();
  }

  /**
   * The first time the list is scrolled to the current entry, unless a person comes back to where the list was.
   * @param {QueueList} list @param {number} at
   */
  open(list, at) {
    if (!this.isOpened && !routes.isReturn) list.reveal(at);
    this.isOpened = true;
  }

  /**
   * Marks the entries before the current one and the one after it.
   * @param {QueueList} list @returns {number | undefined} the index of the current entry, once known
   */
  lookForCurrent(list) {
    const { playback } = session;
    const at = session.current.currentIndex();
    if (at !== undefined) {
      list.mark(at);
      return at;
    }
    const key = `${playback?.epoch}.${playback?.queue_revision}.${playback?.item?.id}`;
    // The first page has it most often, and is on its way.
    if (!playback?.item || !session.current.entry(0) || this.looked === key) return undefined;
    this.looked = key;
    findCurrent().catch(() => undefined);
    return undefined;
  }

  /** @param {{item: Item, track: any}} entry @param {number} index */
  row({ item, track }, index) {
    const name = track?.name ?? "this entry";
    return trackRow(track ?? unknown(item), {
      entry: item.id,
      play: () => void this.command({ op: "play", item: item.id }),
      grip: grip(name, index, (to) => void this.move(item, index, to)),
      menu: () => [
        {
          label: "Remove from the queue",
          icon: "remove",
          act: () => void this.command({ op: "queue.remove", items: [item.id] }),
        },
      ],
    });
  }

  /** @param {Item} item @param {number} from @param {number} where */
  async move(item, from, where) {
    const to = Math.max(0, Math.min(where, (session.playback?.queue_length ?? 0) - 1));
    const neighbour = session.current.entry(to);
    if (!neighbour || to === from) return;
    await attempt(
      async () => {
        await session.current.command({
          op: "queue.move",
          item: item.id,
          [to > from ? "after" : "before"]: neighbour.id,
        });
        this.list?.focusEntry(to, ".grip");
      },
      `Now at position ${to + 1}.`,
    );
  }

  /** @param {Op} op */
  command(op) {
    return attempt(() => session.current.command(op));
  }
}

customElements.define("view-queue", QueueView);

/** The view of an unknown address. */
class NowhereView extends Component {
  build() {
    entitle("Not found");
    fill(
      this,
      h(
        "div",
        { class: "note" },
        h("h1", { tabIndex: -1 }, "No page has this address."),
        h("a", { class: "button", href: "/" }, "Home"),
      ),
    );
  }
}

customElements.define("view-nowhere", NowhereView);

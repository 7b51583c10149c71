/** A list of tracks, whose rows show which track plays and which are saved. */

import { catalogue } from "../catalogue.js";
import { session } from "../session.js";
import { refreshRow } from "./track_row.js";
import { VirtualList } from "./virtual_list.js";

/** The height of a row, in pixels; the style sheet has the same value. */
export const ROW = 60;

export class TrackList extends VirtualList {
  build() {
    super.build();
    const refresh = () => {
      for (const { element } of this.shown.values()) refreshRow(element);
    };
    this.observe(session, refresh);
    this.observe(catalogue, () => {
      refresh();
      this.askSaved();
    });
  }

  /** @param {number} from @param {number} to */
  place(from, to) {
    super.place(from, to);
    this.askSaved();
  }

  askSaved() {
    const ids = [...this.shown.values()].map(({ element }) => /** @type {any} */ (element).track?.id).filter(Boolean);
    catalogue.askSaved([...new Set(ids)]).catch(() => undefined);
  }
}

customElements.define("track-list", TrackList);

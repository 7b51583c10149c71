/** The place in the item: advances by itself from the last known place, and seeks when it is moved. */

import { session } from "../session.js";
import { Component, attribute, fill, h, say } from "./dom.js";
import { clock, spoken } from "./text.js";
import { attempt } from "./toast.js";

/** After a person has moved the bar it stays there for this time, until the server has answered, in milliseconds. */
const HELD_MS = 1_500;
/** How far an arrow key seeks, in milliseconds. */
const STEP_MS = 5_000;

export class SeekBar extends Component {
  build() {
    this.input = h("input", { type: "range", min: "0", max: "1", step: "1", "aria-label": "Position" });
    this.now = h("span", { class: "time", "data-position": true }, "0:00");
    this.end = h("span", { class: "time" }, "0:00");
    this.held_ms = -Infinity;
    this.isHeld = false;
    fill(this, this.now, this.input, this.end);
    this.listen(this.input, "keydown", (event) => this.key(event));
    this.listen(this.input, "input", () => {
      this.isHeld = true;
      this.draw(Number(this.input?.value));
    });
    this.listen(this.input, "change", () => this.seek(Math.round(Number(this.input?.value))));
    this.observe(session, () => this.refresh());
    const run = () => {
      if (!this.isConnected) return;
      if (document.visibilityState === "visible") this.follow();
      requestAnimationFrame(run);
    };
    this.refresh();
    requestAnimationFrame(run);
  }

  /** @param {number} position_ms */
  seek(position_ms) {
    this.isHeld = false;
    this.draw(position_ms);
    this.held_ms = performance.now();
    this.heldTurn = String(session.playback?.turn);
    void attempt(() => session.current.command({ op: "seek", position_ms }));
  }

  /** The steps of the input itself are much too small for a key. @param {KeyboardEvent} event */
  key(event) {
    const by_ms = {
      ArrowRight: STEP_MS,
      ArrowUp: STEP_MS,
      ArrowLeft: -STEP_MS,
      ArrowDown: -STEP_MS,
      PageUp: 6 * STEP_MS,
      PageDown: -6 * STEP_MS,
    }[event.key];
    if (by_ms === undefined || !this.input) return;
    event.preventDefault();
    const place_ms = this.isPut() ? Number(this.input.value) : (session.player?.place_ms() ?? 0);
    this.seek(Math.round(Math.max(0, Math.min(Number(this.input.max), place_ms + by_ms))));
  }

  /** Whether a person has just moved the bar. */
  isPut() {
    return performance.now() - (this.held_ms ?? 0) < HELD_MS && String(session.playback?.turn) === this.heldTurn;
  }

  refresh() {
    const duration_ms = session.playback?.item?.duration_ms ?? 0;
    if (!this.input || !this.end) return;
    this.input.max = String(duration_ms || 1);
    this.input.disabled = !session.playback?.item;
    say(this.end, clock(duration_ms));
    this.follow();
  }

  follow() {
    if (this.isHeld || this.isPut()) return;
    this.draw(session.player?.place_ms() ?? 0);
  }

  /** @param {number} place_ms */
  draw(place_ms) {
    const { input, now } = this;
    if (!input || !now) return;
    const duration_ms = Number(input.max);
    if (!this.isHeld) input.value = String(place_ms);
    input.style.setProperty("--fill", Math.min(1, place_ms / duration_ms).toFixed(5));
    say(now, clock(place_ms));
    attribute(input, "aria-valuetext", `${spoken(place_ms)} of ${spoken(session.playback?.item?.duration_ms ?? 0)}`);
  }
}

customElements.define("seek-bar", SeekBar);

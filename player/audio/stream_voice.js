/**
 * An item as it comes over the network: sounds before it is there as a whole, and is as long as it likes. Its edges are
 * those of the gate, on the audio clock; its place is a little less exact than a decoded item's.
 */

import { Gate } from "./gate.js";

/** An element needs so long to get going, in seconds: it runs silently before its gate opens. */
const RUN_UP_S = 0.25;

/** A place within this of the wanted one is not sought anew: seeking costs more than it mends. */
const CLOSE_S = 0.05;

/**
 * @typedef {{
 *   onplaying: () => void, onstall: () => void, onend: () => void, onerror: (code: number) => void,
 *   onrefused: () => void
 * }} Events
 */

export class StreamVoice {
  /**
   * @param {AudioContext} context @param {AudioNode} output @param {number} loudness @param {string} url
   * @param {Events} events
   */
  constructor(context, output, loudness, url, events) {
    this.context = context;
    this.gate = new Gate(context, output, loudness);
    this.events = events;
    this.isStopped = false;
    this.isStarted = false;
    this.speed = 1;
    /** What the audio clock reads before the item's beginning, in seconds; see `sample`. */
    this.lead_s = Infinity;
    const element = new Audio();
    this.element = element;
    element.preload = "auto";
    element.src = url;
    this.node = context.createMediaElementSource(element);
    this.node.connect(this.gate.node);
    /** @param {() => void} act */
    const while_wanted = (act) => () => void (this.isStarted && !this.isStopped && act());
    element.addEventListener(
      "playing",
      while_wanted(() => {
        this.lead_s = Infinity;
        events.onplaying();
      }),
    );
    element.addEventListener(
      "waiting",
      while_wanted(() => events.onstall()),
    );
    element.addEventListener(
      "timeupdate",
      while_wanted(() => this.sample()),
    );
    element.addEventListener(
      "ended",
      while_wanted(() => events.onend()),
    );
    element.addEventListener("error", () => {
      if (!this.isStopped) events.onerror(element.error?.code ?? 0);
    });
  }

  /** Silent, and ready to start at another place. */
  rest() {
    this.isStarted = false;
    this.lead_s = Infinity;
    this.gate.close(this.context.currentTime);
    this.element.pause();
  }

  /** Resolves when it could sound from `place_s` on. @param {number} place_s @returns {Promise<void>} */
  ready(place_s) {
    if (Math.abs(this.element.currentTime - place_s) > CLOSE_S) this.element.currentTime = place_s;
    return new Promise((resolve, reject) => {
      const heard = new AbortController();
      const { signal } = heard;
      const look = () => {
        if (this.element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA || this.element.seeking) return;
        heard.abort();
        resolve();
      };
      const fail = () => {
        heard.abort();
        reject(new Error("the audio cannot be loaded"));
      };
      // Which of them comes last depends on whether the place was loaded before.
      this.element.addEventListener("canplay", look, { signal });
      this.element.addEventListener("seeked", look, { signal });
      this.element.addEventListener("error", fail, { signal });
      look();
    });
  }

  /** @param {number} at_s @param {number} place_s @param {number} speed */
  start(at_s, place_s, speed) {
    const now_s = this.context.currentTime;
    this.setSpeed(speed);
    const run_up_s = Math.max(0, Math.min(RUN_UP_S, at_s - now_s));
    const early_s = at_s - now_s - run_up_s;
    const begin = () => {
      if (this.isStopped) return;
      this.isStarted = true;
      const from_s = Math.max(0, place_s - run_up_s * speed);
      if (Math.abs(this.element.currentTime - from_s) > CLOSE_S) this.element.currentTime = from_s;
      this.element.play().catch((error) => {
        if (error.name === "NotAllowedError" && !this.isStopped) this.events.onrefused();
      });
    };
    if (early_s > 0.02) setTimeout(begin, early_s * 1000);
    else begin();
    this.gate.open(Math.max(at_s, now_s));
    return Math.max(at_s, now_s);
  }

  /**
   * An element's place comes a little late, and the audio clock goes ahead by what is rendered at once. Both make the
   * difference of the two too large, so the smallest one that was seen is the truest.
   */
  sample() {
    if (this.element.paused || this.element.seeking) return;
    this.lead_s = Math.min(this.lead_s, this.context.currentTime - this.element.currentTime / this.speed);
  }

  /** The place rendered at about `context_s`, in seconds. @param {number} context_s */
  placeAt(context_s) {
    this.sample();
    return this.lead_s === Infinity ? this.element.currentTime : Math.max(0, (context_s - this.lead_s) * this.speed);
  }

  /** When its end is rendered, as far as it is known. */
  endsAt() {
    const { duration } = this.element;
    this.sample();
    return Number.isFinite(duration) ? this.lead_s + duration / this.speed : Infinity;
  }

  /** @param {number} speed */
  setSpeed(speed) {
    if (speed !== this.speed) this.lead_s = Infinity;
    this.speed = speed;
    this.element.playbackRate = speed;
  }

  /** Silent from `at_s` on, until that is taken back with `Infinity`. @param {number} at_s */
  stopAt(at_s) {
    this.gate.close(at_s);
  }

  /** Gone for good, as soon as possible. */
  drop() {
    if (this.isStopped) return;
    this.isStopped = true;
    this.gate.close(this.context.currentTime);
    setTimeout(() => {
      this.element.pause();
      this.element.removeAttribute("src");
      this.element.load();
      this.node.disconnect();
      this.gate.drop();
    }, 60);
  }
}

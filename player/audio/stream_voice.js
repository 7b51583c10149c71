/**
 * An item as a stream: it starts before it is loaded whole, and may be of any length. Its gate is exact to the audio
 * clock; its place is less exact than that of a decoded item.
 */

import { Gate } from "./gate.js";

/** A media element starts this long before its gate opens, silently, in seconds. */
const RUN_UP_S = 0.25;

/**
 * A place that is at most this far from the wanted one is not sought, because seeking would take longer, in seconds.
 */
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
   * @param {import("./elements.js").Elements} elements @param {Events} events
   */
  constructor(context, output, loudness, url, elements, events) {
    this.context = context;
    this.elements = elements;
    this.gate = new Gate(context, output, loudness);
    this.events = events;
    this.isStopped = false;
    this.isStarted = false;
    /** Whether the browser has refused to play the element, although the audio context runs. */
    this.isRefused = false;
    this.speed = 1;
    /** The audio clock at the beginning of the item, in seconds; see `sample`. */
    this.lead_s = Infinity;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.ending = undefined;
    this.part = elements.take();
    const { element } = this.part;
    this.element = element;
    element.src = url;
    this.part.node.connect(this.gate.node);
    /** Aborted when the element is released. */
    this.use = new AbortController();
    const { signal } = this.use;
    /** @param {() => void} act */
    const while_wanted = (act) => () => void (this.isStarted && !this.isStopped && act());
    element.addEventListener(
      "playing",
      while_wanted(() => {
        this.lead_s = Infinity;
        events.onplaying();
      }),
      { signal },
    );
    element.addEventListener(
      "waiting",
      while_wanted(() => events.onstall()),
      { signal },
    );
    element.addEventListener(
      "timeupdate",
      while_wanted(() => this.sample()),
      { signal },
    );
    element.addEventListener(
      "ended",
      while_wanted(() => events.onend()),
      { signal },
    );
    element.addEventListener("error", () => this.isStopped || events.onerror(element.error?.code ?? 0), { signal });
  }

  /** Silent, and ready to start at another place. */
  rest() {
    clearTimeout(this.ending);
    this.isStarted = false;
    this.isRefused = false;
    this.lead_s = Infinity;
    this.gate.close(this.context.currentTime);
    this.element.pause();
  }

  /** Whether nothing is left to play from this place on. @param {number} place_s */
  isEnd(place_s) {
    const { duration } = this.element;
    return place_s > 0 && Number.isFinite(duration) && place_s >= duration - CLOSE_S;
  }

  /**
   * Resolves when the audio can play from `place_s` on, or when it is known that this is its end.
   * @param {number} place_s @returns {Promise<void>}
   */
  ready(place_s) {
    if (Math.abs(this.element.currentTime - place_s) > CLOSE_S) this.element.currentTime = place_s;
    return new Promise((resolve, reject) => {
      const heard = new AbortController();
      const { signal } = heard;
      const look = () => {
        const canPlay = this.element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA && !this.element.seeking;
        if (!canPlay && !this.isEnd(place_s)) return;
        heard.abort();
        resolve();
      };
      const fail = () => {
        heard.abort();
        reject(new Error("the audio cannot be loaded"));
      };
      // Which event comes last depends on whether the place was loaded before.
      this.element.addEventListener("loadedmetadata", look, { signal });
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
    if (this.isEnd(place_s)) {
      // An element at its end would start from its beginning.
      this.ending = setTimeout(() => this.events.onend(), Math.max(0, at_s - now_s) * 1000);
      return Math.max(at_s, now_s);
    }
    const run_up_s = Math.max(0, Math.min(RUN_UP_S, at_s - now_s));
    const early_s = at_s - now_s - run_up_s;
    const begin = () => {
      if (this.isStopped) return;
      this.isStarted = true;
      const from_s = Math.max(0, place_s - run_up_s * speed);
      if (Math.abs(this.element.currentTime - from_s) > CLOSE_S) this.element.currentTime = from_s;
      this.element.play().catch((error) => {
        if (error.name !== "NotAllowedError" || this.isStopped) return;
        this.isRefused = true;
        this.events.onrefused();
      });
    };
    if (early_s > 0.02) setTimeout(begin, early_s * 1000);
    else begin();
    this.gate.open(Math.max(at_s, now_s));
    return Math.max(at_s, now_s);
  }

  /**
   * The element reports its place late, and the audio clock advances in blocks. Both errors make the difference of the
   * two larger, so the smallest difference is the most exact.
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

  /** When its end is rendered, in seconds of the audio clock; `Infinity` while the length is unknown. */
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

  /** Silent from `at_s` on; `Infinity` cancels that. @param {number} at_s */
  stopAt(at_s) {
    this.gate.close(at_s);
  }

  /** Stops and releases everything, as soon as possible. */
  drop() {
    if (this.isStopped) return;
    this.isStopped = true;
    clearTimeout(this.ending);
    this.gate.close(this.context.currentTime);
    setTimeout(() => {
      this.use.abort();
      this.elements.release(this.part);
      this.gate.drop();
    }, 60);
  }
}

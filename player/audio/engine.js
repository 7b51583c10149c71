/**
 * The audio of the page: carries out the outputs of the rules (`sound`, `prepare`, `follow`, `until`, `silence`,
 * `volume`) and tells the rules what happened. Starts, stops and boundaries are instants of the audio clock.
 */

import { BufferVoice } from "./buffer_voice.js";
import { Elements } from "./elements.js";
import { LONGEST_DECODED_MS, Loader, Reread, Unplayable } from "./loader.js";
import { contextTimeAt, localAt, localNow } from "./moments.js";
import { StreamVoice } from "./stream_voice.js";
import { steer } from "../rules/audio.js";

/** @import {Input, Item, Output} from "../rules/types.js" */
/** @typedef {BufferVoice | StreamVoice} Voice */
/**
 * @typedef {{
 *   emit: (input: Input) => void,
 *   toLocal: (server_us: number) => number,
 *   bound_us: () => number,
 *   wanted: () => {item: string, place_ms: number, rate: number} | undefined,
 *   addressOf: (media_id: string, renew: boolean) => Promise<string>,
 *   loudnessOf: (media_id: string) => number
 * }} World what the engine needs of the page; `wanted` is the place that every screen shows now, `bound_us` the error
 *   bound of `toLocal`
 */

/** The shortest time between planning a start and the start, in seconds. */
const SOON_S = 0.03;
/**
 * At a switch the source is silent this long before the instant, and the target starts this long after it, in addition
 * to the error bound of each clock: the operating system reports the latency of its output no more exactly. In seconds.
 */
const GUARD_S = 0.005;
/** A larger error bound of the clock does not make the gap longer, in seconds. */
const MOST_BOUND_S = 0.04;
/** The interval at which a playing item is checked, in milliseconds. */
const CHECK_MS = 400;
/**
 * The boundary to the next item is scheduled when this much is left, in seconds; from then on the speed does not
 * change.
 */
const BOUNDARY_S = 3;
/** The next item is decoded when this much is left, in seconds. */
const DECODE_S = 30;
/** The target of a transfer uses a stream if the whole item is not loaded after this time, in milliseconds. */
const WHOLE_MS = 2_000;
/** A stall that is shorter than this is not reported, in milliseconds. */
const STALL_MS = 300;
/** The time between two attempts to go on after the network failed, in milliseconds. */
const RETRY_MS = 1_500;
/** The same for a file that the server is about to read again, in milliseconds. */
const REREAD_MS = 4_000;
/** The place is reported to the rules again when it differs by more than this, in milliseconds. */
const TOLD_MS = 25;
/**
 * How long to wait for the audio context to run, in milliseconds: without a user's action on the page browsers do not
 * allow sound; after one, the system's audio may be slow to start.
 */
const RESUME_MS = { untouched: 700, touched: 4_000 };

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Engine {
  /** @param {World} world */
  constructor(world) {
    this.world = world;
    /** @type {AudioContext | undefined} */
    this.context = undefined;
    /** @type {GainNode | undefined} */
    this.output = undefined;
    this.loudness = { level: 100, muted: false };
    this.loader = new Loader(() => this.open(), world.addressOf);
    this.elements = new Elements(() => this.open());
    /**
     * @type {{item: Item, voice?: Voice, job: number, told?: {place_s: number, context_s: number, rate: number}} |
     * undefined}
     */
    this.current = undefined;
    /** @type {{item: Item, voice?: Voice} | undefined} */
    this.prepared = undefined;
    /** @type {{item: Item, voice?: BufferVoice, boundary_s?: number, timer?: number} | undefined} */
    this.next = undefined;
    /** @type {number | undefined} the server's time from which on to be silent, in microseconds */
    this.until_us = undefined;
    this.job = 0;
    this.stall = 0;
    /** @type {string | undefined} the track that could not be loaded although the server sends its bytes */
    this.doubted = undefined;
    this.checks = setInterval(() => this.check(), CHECK_MS);
  }

  /** @param {Output} output */
  perform(output) {
    switch (output.type) {
      case "sound":
        void this.sound(output.item, output.position_ms, output.from_us, output.rate);
        break;
      case "prepare":
        void this.prepare(output.item, output.position_ms);
        break;
      case "follow":
        this.follow(output.item);
        break;
      case "rename":
        if (this.current) this.current.item = output.item;
        break;
      case "until":
        this.until_us = output.at_us;
        this.current?.voice?.stopAt(this.stopTime());
        break;
      case "silence":
        this.silence();
        break;
      case "volume":
        this.loudness = { level: output.level, muted: output.muted };
        this.setLoudness();
        break;
    }
  }

  open() {
    if (!this.context || !this.output) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.output = this.context.createGain();
      this.output.connect(this.context.destination);
      this.context.onstatechange = () => this.stateChanged();
      this.setLoudness();
    }
    return this.context;
  }

  /** To be called during a user's action: browsers allow sound only then. */
  unlock() {
    const context = this.open();
    this.elements.allow();
    if (context.state !== "running")
      context.resume().then(
        () => this.stateChanged(),
        () => undefined,
      );
    else if (this.current?.voice instanceof StreamVoice && this.current.voice.isRefused)
      this.world.emit({ type: "unblocked" });
  }

  setLoudness() {
    const { level, muted } = this.loudness;
    // The square of the level matches perceived loudness.
    this.output?.gain.setTargetAtTime(muted ? 0 : (level / 100) ** 2, this.open().currentTime, 0.015);
  }

  stateChanged() {
    if (!this.context || !this.current) return;
    if (this.context.state === "running") this.world.emit({ type: "unblocked" });
    else if (this.current.voice && document.visibilityState === "visible") this.world.emit({ type: "blocked" });
  }

  /** @param {Item} item @param {number} position_ms @param {number | undefined} from_us @param {number} rate */
  async sound(item, position_ms, from_us, rate) {
    const job = ++this.job;
    const context = this.open();
    const reused = this.takeVoice(item, rate);
    this.dropCurrent();
    this.dropNext();
    this.current = { item, job };
    if (context.state !== "running") {
      const isTouched = navigator.userActivation?.hasBeenActive ?? true;
      await Promise.race([context.resume(), pause(isTouched ? RESUME_MS.touched : RESUME_MS.untouched)]);
      if (this.job !== job) return reused?.drop();
      if (this.open().state !== "running") {
        reused?.drop();
        this.world.emit({ type: "blocked" });
        return;
      }
    }
    try {
      const voice = reused ?? (await this.stream(item, position_ms));
      if (voice instanceof StreamVoice && from_us === undefined) await voice.ready(position_ms / 1000);
      if (this.job !== job) return voice.drop();
      this.begin(item, voice, position_ms, from_us, rate);
    } catch (error) {
      if (this.job === job) await this.broken(item, position_ms, error);
    }
  }

  /**
   * A voice for the item that is loaded already.
   * @param {Item} item @param {number} rate
   * @returns {Voice | undefined}
   */
  takeVoice(item, rate) {
    const prepared = this.prepared?.item.media_id === item.media_id ? this.prepared.voice : undefined;
    if (this.prepared?.voice && this.prepared.voice !== prepared) this.prepared.voice.drop();
    this.prepared = undefined;
    if (prepared) return prepared;
    const { voice } = this.current ?? {};
    if (this.current?.item.media_id === item.media_id && voice instanceof StreamVoice) {
      voice.rest();
      this.current = undefined;
      return voice;
    }
    const buffer = rate === 1 ? this.loader.ready(item.media_id) : undefined;
    return buffer && this.bufferVoice(item, buffer);
  }

  /** @param {Item} item @param {AudioBuffer} buffer */
  bufferVoice(item, buffer) {
    const loudness = this.world.loudnessOf(item.media_id);
    /** @type {BufferVoice} */
    const voice = new BufferVoice(this.open(), this.outputNode(), loudness, buffer, () => {
      if (this.current?.voice === voice && !this.next?.boundary_s) this.finish(voice.endsAt(), false);
    });
    return voice;
  }

  /** @param {Item} item @param {number} position_ms @param {boolean} [renew] */
  async stream(item, position_ms, renew = false) {
    const url = await this.loader.address(item.media_id, renew);
    const loudness = this.world.loudnessOf(item.media_id);
    /** @type {StreamVoice} */
    const voice = new StreamVoice(this.open(), this.outputNode(), loudness, url, this.elements, {
      onplaying: () => this.current?.voice === voice && this.streamPlays(voice),
      onstall: () => this.current?.voice === voice && this.streamStalls(voice),
      onend: () => {
        if (this.current?.voice === voice && !this.next?.boundary_s) this.finish(this.open().currentTime, false);
      },
      onerror: (code) => this.current?.voice === voice && void this.streamBreaks(item, voice, code),
      onrefused: () => this.current?.voice === voice && this.world.emit({ type: "blocked" }),
    });
    try {
      await voice.ready(position_ms / 1000);
    } catch (error) {
      const code = voice.element.error?.code ?? 0;
      voice.drop();
      if (code === MediaError.MEDIA_ERR_DECODE) throw new Unplayable("the audio cannot be decoded");
      if (code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED && renew) await this.doubt(item.media_id, url);
      throw error;
    }
    return voice;
  }

  /**
   * A media element reports the same error for everything that it cannot load.
   * @param {string} media_id @param {string} url
   */
  async doubt(media_id, url) {
    await this.loader.examine(url);
    // The first time the network may have failed and come back; the second time it is the file.
    if (this.doubted === media_id) throw new Unplayable("the audio cannot be decoded");
    this.doubted = media_id;
  }

  outputNode() {
    this.open();
    if (!this.output) throw new Error("the audio output is not open");
    return this.output;
  }

  /**
   * @param {Item} item @param {Voice} voice @param {number} position_ms @param {number | undefined} from_us
   * @param {number} rate
   */
  begin(item, voice, position_ms, from_us, rate) {
    const context = this.open();
    this.doubted = undefined;
    const soon_s = context.currentTime + SOON_S;
    const wanted_s = from_us === undefined ? soon_s : contextTimeAt(context, this.world.toLocal(from_us));
    const at_s = Math.max(soon_s, from_us === undefined ? wanted_s : wanted_s + this.guard());
    // After an instant that other devices keep to, the audio starts at the place where the music is by then.
    const place_s = position_ms / 1000 + (at_s - wanted_s) * rate;
    this.current = { item, voice, job: this.job };
    const began_s = voice.start(at_s, place_s, rate);
    voice.stopAt(this.stopTime());
    if (voice instanceof BufferVoice) this.tellAt(began_s, place_s, rate);
  }

  /**
   * Tells the rules where the audio is, at the time when it is there.
   * @param {number} context_s @param {number} place_s @param {number} rate
   */
  tellAt(context_s, place_s, rate) {
    const { current } = this;
    if (!current) return;
    const local_us = localAt(this.open(), context_s);
    setTimeout(
      () => {
        if (this.current !== current) return;
        current.told = { place_s, context_s, rate };
        this.world.emit({
          type: "started",
          item: current.item,
          position_ms: Math.round(place_s * 1000),
          since_us: local_us,
        });
      },
      Math.max(0, (local_us - localNow()) / 1000),
    );
  }

  /** @param {StreamVoice} voice */
  streamPlays(voice) {
    clearTimeout(this.stall);
    this.stall = 0;
    const now_s = this.open().currentTime;
    this.tellAt(Math.max(now_s, voice.gate.opened_s), voice.placeAt(Math.max(now_s, voice.gate.opened_s)), voice.speed);
  }

  /** @param {StreamVoice} voice */
  streamStalls(voice) {
    if (this.stall) return;
    this.stall = setTimeout(() => {
      this.stall = 0;
      if (this.current?.voice !== voice || voice.element.readyState >= 3) return;
      this.world.emit({ type: "stalled" });
      if (!navigator.onLine) void this.streamBreaks(this.current.item, voice, MediaError.MEDIA_ERR_NETWORK);
    }, STALL_MS);
  }

  /** @param {Item} item @param {StreamVoice} voice @param {number} code */
  async streamBreaks(item, voice, code) {
    const position_ms = Math.round(voice.element.currentTime * 1000);
    const why =
      code === MediaError.MEDIA_ERR_DECODE ? new Unplayable("the audio cannot be decoded") : new Error("broken off");
    voice.drop();
    await this.broken(item, position_ms, why);
  }

  /**
   * The item cannot be loaded: plays it from the kept bytes if there are any, else tries again until the network is
   * back. An item that cannot be played is reported at once.
   * @param {Item} item @param {number} position_ms @param {unknown} why
   */
  async broken(item, position_ms, why) {
    const job = ++this.job;
    this.current = { item, job };
    if (why instanceof Unplayable) return this.world.emit({ type: "failed" });
    this.world.emit({ type: "stalled" });
    while (this.job === job) {
      let wait_ms = RETRY_MS;
      try {
        // The address may be too old, so a new one is asked for.
        const voice = this.canDecode(item)
          ? this.bufferVoice(item, await this.loader.buffer(item.media_id))
          : await this.stream(item, position_ms, true);
        if (this.job !== job) return voice.drop();
        return this.begin(item, voice, position_ms, undefined, this.world.wanted()?.rate ?? 1);
      } catch (error) {
        if (this.job !== job) return undefined;
        if (error instanceof Unplayable) return this.world.emit({ type: "failed" });
        if (error instanceof Reread) wait_ms = REREAD_MS;
      }
      await pause(wait_ms);
    }
  }

  /** @param {Item} item @param {number} position_ms */
  async prepare(item, position_ms) {
    this.prepared?.voice?.drop();
    /** @type {{item: Item, voice?: Voice}} */
    const prepared = (this.prepared = { item });
    const whole = this.canDecode(item) ? this.loader.buffer(item.media_id).catch(() => undefined) : undefined;
    const buffer = whole && (await Promise.race([whole, pause(WHOLE_MS).then(() => undefined)]));
    if (this.prepared !== prepared) return;
    try {
      prepared.voice = buffer ? this.bufferVoice(item, buffer) : await this.stream(item, position_ms);
      if (this.prepared === prepared) this.world.emit({ type: "prepared", item });
      else prepared.voice.drop();
    } catch {
      // A target that cannot load reports nothing: the server cancels the transfer, and the source plays on.
    }
  }

  /** The bytes of this item may be needed soon. @param {Item} item */
  preload(item) {
    if (this.canDecode(item)) this.loader.soon(item.media_id, false);
  }

  /** @param {Item | undefined} item */
  follow(item) {
    this.dropNext();
    this.next = item && { item };
    this.check();
  }

  /** @param {Item} item */
  canDecode(item) {
    return (item.duration_ms ?? Infinity) <= LONGEST_DECODED_MS;
  }

  stopTime() {
    if (this.until_us === undefined) return Infinity;
    return contextTimeAt(this.open(), this.world.toLocal(this.until_us)) - this.guard();
  }

  guard() {
    return GUARD_S + Math.min(MOST_BOUND_S, this.world.bound_us() / 1e6);
  }

  /** Checks what plays: its place, the item that follows, and the boundary between the two. */
  check() {
    const { current } = this;
    if (!current?.voice || !current.told || !this.context) return;
    const { voice } = current;
    const now_s = this.context.currentTime;
    const left_s = voice.endsAt() - now_s;
    this.keepBytes(current.item, left_s);
    if (left_s < BOUNDARY_S) this.layBoundary(voice);
    else this.keepPlace(voice, now_s);
  }

  /** @param {Item} item @param {number} left_s */
  keepBytes(item, left_s) {
    if (!this.loader.ready(item.media_id)) this.preload(item);
    const next = this.next?.item;
    if (!next) return;
    if (left_s < DECODE_S && this.canDecode(next)) this.loader.soon(next.media_id, true);
    else this.preload(next);
  }

  /** Schedules the next item at the end of this one, by the audio clock. @param {Voice} voice */
  layBoundary(voice) {
    const { next } = this;
    // A fixed speed keeps the end of this item where it is.
    if (this.world.wanted()?.rate === 1) voice.setSpeed(1);
    const buffer = next && !next.voice && voice.speed === 1 ? this.loader.ready(next.item.media_id) : undefined;
    if (!next || !buffer || this.until_us !== undefined) return;
    const boundary_s = voice.endsAt();
    next.voice = this.bufferVoice(next.item, buffer);
    next.boundary_s = next.voice.start(boundary_s, 0, 1);
    if (voice instanceof StreamVoice) voice.stopAt(boundary_s + 0.01);
    const wait_ms = (localAt(this.open(), boundary_s) - localNow()) / 1000;
    next.timer = setTimeout(() => this.next === next && this.cross(), Math.max(0, wait_ms));
  }

  /** The boundary has come. */
  cross() {
    const { next } = this;
    if (!next?.voice || next.boundary_s === undefined) return;
    const { item, voice, boundary_s } = next;
    this.next = undefined;
    const old = this.current?.voice;
    this.current = { item, voice, job: ++this.job, told: { place_s: 0, context_s: boundary_s, rate: 1 } };
    old?.drop();
    this.finish(boundary_s, true);
  }

  /** @param {number} context_s @param {boolean} went_on */
  finish(context_s, went_on) {
    this.world.emit({ type: "finished", since_us: localAt(this.open(), context_s), went_on });
  }

  /**
   * Corrects the place by speed; a difference that speed cannot correct is reported.
   * @param {Voice} voice @param {number} now_s
   */
  keepPlace(voice, now_s) {
    const wanted = this.world.wanted();
    const { current } = this;
    if (!wanted || !current?.told || wanted.item !== current.item.id) return;
    const heard_s = contextTimeAt(this.open(), localNow());
    const place_ms = voice.placeAt(heard_s) * 1000;
    // The place of a stream is not exact enough for this.
    voice.setSpeed(wanted.rate * (voice instanceof BufferVoice ? steer(place_ms - wanted.place_ms) : 1));
    const { told } = current;
    const told_ms = (told.place_s + (heard_s - told.context_s) * told.rate) * 1000;
    const isMoving = !(voice instanceof StreamVoice) || !voice.element.paused;
    if (isMoving && Math.abs(told_ms - place_ms) > TOLD_MS) this.tellAt(now_s, voice.placeAt(now_s), wanted.rate);
  }

  dropNext() {
    clearTimeout(this.next?.timer);
    this.next?.voice?.drop();
    this.next = undefined;
  }

  dropCurrent() {
    clearTimeout(this.stall);
    this.stall = 0;
    this.current?.voice?.drop();
    this.current = undefined;
  }

  silence() {
    this.job += 1;
    this.until_us = undefined;
    this.dropCurrent();
    this.dropNext();
    this.prepared?.voice?.drop();
    this.prepared = undefined;
  }

  /** Silent for good. */
  end() {
    clearInterval(this.checks);
    this.silence();
    this.context?.close().catch(() => undefined);
  }
}

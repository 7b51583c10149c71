/**
 * This page as a device: what happens goes into the rules, what comes out is done. Views watch it and wish through it.
 */

import { Engine } from "../audio/engine.js";
import { localNow } from "../audio/moments.js";
import { catalogue } from "../catalogue.js";
import { Socket } from "./socket.js";
import { keep, keptPaths } from "../offline_cache.js";
import { mayPlayStandalone, previousIndex } from "../rules/standalone.js";
import { itemOf } from "../rules/audio.js";
import { Client } from "../rules/client.js";
import { Watchable, store } from "../store.js";
import { codecs, deviceKind, deviceName, randomId } from "./identity.js";

/** @import {Input, Item, Op, Output, QueuePage} from "../rules/types.js" */

/** Entries of the queue in one page. */
export const QUEUE_PAGE = 100;
/**
 * A command that was not answered for so long is told to its author as waiting: sooner when nobody is there to answer.
 */
const ANSWER_MS = { up: 8_000, away: 1_000 };
/** A page of the queue that did not come within this is asked for again, in milliseconds. */
const PAGE_MS = 2_000;
/** The queue is learnt so far, to go through it when the server is away. */
const MOST_AHEAD = 5 * QUEUE_PAGE;
/** Items that are kept before they come. */
const KEPT_AHEAD = 4;
/** A track that is skipped before this is not worth loading as a listener, in milliseconds. */
const PRELOAD_MS = 1_500;
/** The wall clock and the steady one part by more than this only when the machine slept, in milliseconds. */
const SLEPT_MS = 3_000;

/** A wish that was not granted. */
export class Refused extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Player extends Watchable {
  /**
   * @param {string} token @param {string | undefined} device_id
   * @param {(error: Error) => void} regret told when a wish that was promised for later was refused in the end
   */
  constructor(token, device_id, regret) {
    super();
    this.regret = regret;
    const { level, muted, name } = store.preferences;
    const device = {
      id: device_id,
      instance: randomId(),
      name: name || deviceName(),
      kind: deviceKind(),
      plays: true,
      controls: true,
      codecs: codecs(),
      volume: { level, muted, version: 0 },
    };
    this.client = new Client(device, token, localNow());
    /** @type {Map<string, {granted: () => void, refused: (error: Error) => void, timer: number}>} */
    this.answers = new Map();
    /** @type {Map<number, QueuePage>} pages of the queue as it was last shown, by their first entry */
    this.pages = new Map();
    /** What the session was when these were shown. */
    this.pagesOf = "";
    /** @type {Map<number, number>} when pages were asked for, by their first entry */
    this.asked = new Map();
    /** @type {{code: number, reason: string} | undefined} */
    this.farewell = undefined;
    this.timer = 0;
    /** @type {string | undefined} the entry that is or will be loaded as a listener */
    this.preloads = undefined;
    this.preloadTimer = 0;
    this.keeping = new AbortController();
    /** @type {string} what is being kept for later */
    this.keeps = "";
    this.socket = new Socket({
      opened: () => this.happens({ type: "opened" }),
      frame: (frame) => this.happens({ type: "frame", frame }),
      closed: (code) => {
        // What was asked for on this socket is not answered on another one.
        this.asked.clear();
        this.happens({ type: "closed", code });
      },
    });
    this.engine = new Engine({
      emit: (input) => this.happens(input),
      toLocal: (server_us) => this.client.time.local(server_us, localNow()),
      bound_us: () => this.client.time.bound_us() ?? 0,
      wanted: () => this.wanted(),
      addressOf: (media_id, renew) => catalogue.addressOf(media_id, renew),
      loudnessOf: (media_id) => (store.preferences.evens ? catalogue.loudnessOf(media_id) : 1),
    });
    this.engine.obey({ type: "volume", level, muted });
    this.watch(() => this.learnAhead());
    this.slept = Date.now() - performance.now();
    this.happens({ type: "tick" });
  }

  /** @param {Input} input */
  happens(input) {
    const outputs = this.client.step(localNow(), Math.random(), input);
    for (const output of outputs) this.carryOut(output);
    this.plan();
  }

  plan() {
    clearTimeout(this.timer);
    const due_us = this.client.nextDeadline(localNow());
    if (due_us === Infinity) return;
    const wait_ms = Math.min(60_000, Math.max(0, (due_us - localNow()) / 1000));
    this.timer = setTimeout(() => {
      this.noticeSleep();
      this.happens({ type: "tick" });
    }, Math.ceil(wait_ms));
  }

  /** The steady clock stands still while some machines sleep; then the server's time must be learnt anew. */
  noticeSleep() {
    const apart_ms = Date.now() - performance.now();
    const slept = Math.abs(apart_ms - this.slept) > SLEPT_MS;
    this.slept = apart_ms;
    if (slept) this.happens({ type: "wake" });
  }

  /** @param {Output} output */
  carryOut(output) {
    switch (output.type) {
      case "connect":
        this.socket.connect();
        break;
      case "disconnect":
        this.socket.disconnect();
        break;
      case "send":
        this.socket.send(output.frame);
        break;
      case "answered":
        this.answered(output.id, output.refusal);
        break;
      case "queue":
        this.learnQueue(output.page);
        break;
      case "show":
        this.shown();
        break;
      case "give_up":
        this.farewell = { code: output.code, reason: output.reason };
        this.changed();
        break;
      case "volume":
        store.prefer({ level: output.level, muted: output.muted });
        this.engine.obey(output);
        break;
      default:
        this.engine.obey(output);
    }
  }

  shown() {
    if (this.client.device.id) store.setDeviceId(this.client.device.id);
    const { playback } = this.client;
    const pagesOf = `${playback?.epoch}.${playback?.queue_revision}`;
    if (pagesOf !== this.pagesOf) {
      this.pagesOf = pagesOf;
      this.pages.clear();
      this.asked.clear();
    }
    if (playback?.item) catalogue.track(playback.item.media_id);
    if (playback?.next) catalogue.track(playback.next.media_id);
    this.preload();
    this.changed();
  }

  /** What plays elsewhere is loaded here, too, so that it can move here at once (R7); not where data is dear. */
  preload() {
    const { playback } = this.client;
    const item = playback?.status === "playing" && !this.client.lease() ? playback.item : undefined;
    if (item?.id === this.preloads) return;
    this.preloads = item?.id;
    clearTimeout(this.preloadTimer);
    if (!item || isDear() || document.visibilityState !== "visible") return;
    this.preloadTimer = setTimeout(() => this.engine.preload(item), PRELOAD_MS);
  }

  /** @param {QueuePage} page */
  learnQueue(page) {
    const { playback } = this.client;
    if (page.queue_revision !== playback?.queue_revision) return;
    this.pages.set(page.from, page);
    this.changed();
  }

  /**
   * An entry of the queue, in play order; what is not known is asked for.
   * @param {number} index
   * @returns {Item | undefined}
   */
  entry(index) {
    if (this.client.standalone) return this.client.standalone.items[index];
    const from = Math.floor(index / QUEUE_PAGE) * QUEUE_PAGE;
    return this.pages.get(from)?.items[index - from];
  }

  /**
   * Asks for the page of an entry, unless it is there or on its way: lists want it with each frame.
   * @param {number} index
   */
  askQueue(index) {
    const from = Math.floor(index / QUEUE_PAGE) * QUEUE_PAGE;
    const now_ms = performance.now();
    const isOnItsWay = now_ms - (this.asked.get(from) ?? -Infinity) < PAGE_MS;
    if (this.client.standalone || !this.client.isWelcomed() || this.pages.has(from) || isOnItsWay) return;
    this.asked.set(from, now_ms);
    setTimeout(() => this.pages.has(from) || this.changed(), PAGE_MS);
    this.happens({ type: "look", from, limit: QUEUE_PAGE });
  }

  /** While the music is here, the queue around it is known and what comes soon is kept: the server may go away. */
  learnAhead() {
    const { client } = this;
    const { playback } = client;
    const current = itemOf(client.audio) ?? playback?.item;
    if (!playback || !current || !client.lease() || !client.isWelcomed()) return;
    /** @type {Item[]} */
    const known = [];
    for (let page; (page = this.pages.get(known.length));) {
      known.push(...page.items);
      if (page.items.length < QUEUE_PAGE) break;
    }
    const at = known.findIndex(({ id }) => id === current.id);
    const isEnough = at >= 0 && known.length > at + KEPT_AHEAD;
    if (!isEnough && known.length < Math.min(playback.queue_length, MOST_AHEAD)) return this.askQueue(known.length);
    if (at < 0) return;
    const key = `${playback.epoch}.${playback.queue_revision}.${known.length}.${current.id}`;
    if (key === this.keeps) return;
    this.keeps = key;
    this.happens({ type: "ahead", items: known });
    // This one and the next are loaded as a whole by the audio itself, but for what it only streams.
    const streamed = known.slice(at, at + 2).filter((item) => !this.engine.canDecode(item));
    void this.keepAhead([...streamed, ...known.slice(at + 2, at + 2 + KEPT_AHEAD)]);
  }

  /** @param {Item[]} items */
  async keepAhead(items) {
    this.keeping.abort();
    this.keeping = new AbortController();
    const { signal } = this.keeping;
    if (isDear()) return;
    for (const { media_id } of items) {
      try {
        await keep(await catalogue.addressOf(media_id, false), signal);
      } catch {
        // What cannot be kept is fetched when it comes.
      }
      if (signal.aborted) return;
    }
  }

  /** Where every screen shows the item to be, while it runs. */
  wanted() {
    const playback = this.client.view;
    const place_ms = this.client.positionAt(localNow());
    if (playback?.status !== "playing" || !playback.item || place_ms === undefined) return undefined;
    return { item: playback.item.id, place_ms, rate: playback.rate };
  }

  /** The shown place in milliseconds. */
  place_ms() {
    return this.client.positionAt(localNow()) ?? 0;
  }

  /**
   * Wishes something of the session; resolves when it is in the database.
   * @param {Op} op @returns {Promise<void>}
   */
  async command(op) {
    this.engine.unlock();
    const id = randomId();
    const startsAlone = this.isAway && (op.tracks || !this.client.standalone);
    const alone = startsAlone ? await this.keptOf(op) : undefined;
    if (alone && this.isAway) return this.happens({ type: "standalone", id, ...alone });
    return this.say(id, op);
  }

  /** Whether the server is away, so that a press on this page may start what is kept here. */
  get isAway() {
    return mayPlayStandalone(this.client, localNow());
  }

  /**
   * What a wish for music means while the server is away: the items that are kept, or those around the one that is
   * here.
   * @param {Op} op
   */
  async keptOf(op) {
    const { client } = this;
    const kept = await keptPaths();
    if (op.op === "play" && op.tracks) {
      const tracks = /** @type {string[]} */ (op.tracks);
      const known = tracks.map((media_id, index) => ({ index, media_id, track: catalogue.known(media_id) }));
      const there = known.filter(({ track }) => isKept(track, kept));
      if (there.length === 0)
        throw new Refused("offline", "The server is away, and none of this is kept on this device.");
      const items = there.map(({ index, media_id, track }) => ({
        id: `${index}`,
        kind: "track",
        media_id,
        duration_ms: track.duration_ms,
      }));
      const at = Math.max(
        0,
        there.findIndex(({ index }) => index >= (op.start ?? 0)),
      );
      return { items, at, position_ms: op.position_ms ?? 0, areEntries: false };
    }
    const current = itemOf(client.audio) ?? client.playback?.item;
    const isHeard = client.lease() && client.audio.kind !== "silent";
    if (!current || (op.op !== "play" && !isHeard)) return undefined;
    const place_ms = client.placeAt(localNow()) ?? client.positionAt(localNow()) ?? 0;
    const around = client.ahead.some(({ id }) => id === current.id) ? client.ahead : [current];
    const items = around.filter(({ id, media_id }) => id === current.id || isKept(catalogue.known(media_id), kept));
    const here = items.findIndex(({ id }) => id === current.id);
    const named = items.findIndex(({ id }) => id === op.item);
    /** @type {Record<string, [number, number]>} the item and the place in it */
    const ways = {
      play: op.item ? [named, op.position_ms ?? 0] : [here, op.position_ms ?? place_ms],
      seek: [here, op.position_ms],
      next: [here + 1, 0],
      previous: [previousIndex(here, place_ms), 0],
    };
    const [at, position_ms] = ways[op.op] ?? [-1, 0];
    return items[at] && { items, at, position_ms, areEntries: true };
  }

  /** @param {string} id @param {Op} op @returns {Promise<void>} */
  say(id, op) {
    return new Promise((granted, refused) => {
      const timer = setTimeout(
        () => {
          const why = this.client.isWelcomed()
            ? "The server is slow to answer. This will be done when it does."
            : "The server is away. This will be done when it is back.";
          refused(new Refused("waiting", why));
          // It was promised, so that whoever wished it has to hear when it is not done after all.
          const regret = (/** @type {Error} */ error) =>
            this.regret(new Error(`What was to be done later was not: ${error.message}`));
          this.answers.set(id, { granted: () => undefined, refused: regret, timer: 0 });
        },
        this.client.isWelcomed() ? ANSWER_MS.up : ANSWER_MS.away,
      );
      this.answers.set(id, { granted, refused, timer });
      this.happens({ type: "command", id, op });
    });
  }

  /** @param {string} id @param {import("../rules/types.js").Refusal | undefined} refusal */
  answered(id, refusal) {
    const answer = this.answers.get(id);
    this.answers.delete(id);
    clearTimeout(answer?.timer);
    if (refusal) answer?.refused(new Refused(refusal.code, refusal.message));
    else answer?.granted();
  }

  /** A hand on this page turns its own volume. @param {number} level @param {boolean} muted */
  turnVolume(level, muted) {
    store.prefer({ level, muted });
    this.engine.obey({ type: "volume", level, muted });
    this.happens({ type: "volume", level, muted });
  }

  /** @param {"close" | "logout" | "sleep"} reason */
  leave(reason) {
    this.happens({ type: "leave", reason });
    this.socket.disconnect();
    for (const { timer, refused } of this.answers.values()) {
      clearTimeout(timer);
      // Nobody waits for what was promised for later.
      if (timer) refused(new DOMException("", "AbortError"));
    }
    this.answers.clear();
    clearTimeout(this.timer);
    clearTimeout(this.preloadTimer);
    this.keeping.abort();
    this.engine.end();
  }
}

/** @param {any} track @param {Set<string>} kept paths */
const isKept = (track, kept) => Boolean(track?.audio_url) && kept.has(new URL(track.audio_url, location.href).pathname);

/** Whether loading ahead costs its user too much, or is not wanted. */
function isDear() {
  return store.preferences.keep_mb === 0 || /** @type {any} */ (navigator).connection?.saveData === true;
}

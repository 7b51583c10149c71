/**
 * This page as a device: passes what happens to the rules, and carries out what they ask for. Views watch it and send
 * commands through it.
 */

import { Engine } from "../audio/engine.js";
import { localNow } from "../audio/moments.js";
import { catalogue } from "../catalogue.js";
import { keep, keptPaths } from "../offline_cache.js";
import { itemOf } from "../rules/audio.js";
import { Client } from "../rules/client.js";
import { mayPlayStandalone } from "../rules/standalone.js";
import { SHOWN, Watchable, store } from "../store.js";
import { Answers } from "./answers.js";
import { describeDevice, randomId } from "./identity.js";
import { KeepAhead, LEARNT } from "./keep_ahead.js";
import { offlineStart } from "./offline_start.js";
import { Preload } from "./preload.js";
import { PAGE_MS, QUEUE_PAGE, QueuePages } from "./queue_pages.js";
import { Socket } from "./socket.js";
import { TickTimer } from "./tick_timer.js";

/** @import {Input, Op, Output} from "../rules/types.js" */

export class Player extends Watchable {
  /**
   * @param {string} token @param {string} device_id
   * @param {(error: Error) => void} onLateRefusal told when a command that was reported as waiting is refused
   */
  constructor(token, device_id, onLateRefusal) {
    super();
    const { level, muted } = store.preferences;
    this.client = new Client(describeDevice(device_id, store.preferences, store.volumeVersion()), token, localNow());
    /** @type {typeof import("./last_shown.js") | undefined} */
    this.shownModule = undefined;
    /** Whether what this browser showed last are entries of the session's queue. */
    this.areStoredEntries = true;
    this.answers = new Answers(onLateRefusal);
    this.queue = new QueuePages();
    /** @type {{code: number, reason: string} | undefined} why the server does not want this device back */
    this.farewell = undefined;
    this.socket = new Socket({
      opened: () => this.handle({ type: "opened" }),
      frame: (frame) => {
        if (frame.type === "library") catalogue.hear(/** @type {any} */ (frame));
        if (frame.type === "welcome" && frame.library) catalogue.hear(frame.library);
        this.handle({ type: "frame", frame });
      },
      closed: (code) => {
        this.queue.forgetAsked();
        this.handle({ type: "closed", code });
      },
    });
    this.engine = new Engine({
      emit: (input) => this.handle(input),
      toLocal: (server_us) => this.client.time.local(server_us, localNow()),
      bound_us: () => this.client.time.bound_us() ?? 0,
      wanted: () => this.wanted(),
      addressOf: (media_id, renew) => catalogue.addressOf(media_id, renew),
      loudnessOf: (media_id) => (store.preferences.evens ? catalogue.loudnessOf(media_id) : 1),
    });
    this.engine.perform({ type: "volume", level, muted });
    this.preload = new Preload(
      () => !avoidsTraffic() && document.visibilityState === "visible",
      (item) => this.engine.preload(item),
    );
    this.keepAhead = new KeepAhead(
      (item) => this.engine.canDecode(item),
      async ({ media_id }, signal) => keep(await catalogue.addressOf(media_id, false), signal),
    );
    this.watch(() => {
      this.learnAhead();
      void this.lastShown(({ keepShown }) => keepShown(this));
    });
    this.ticks = new TickTimer({
      wait_ms: () => (this.client.nextDeadline(localNow()) - localNow()) / 1000,
      tick: () => this.handle({ type: "tick" }),
      woke: () => this.handle({ type: "wake" }),
      wall_ms: () => Date.now(),
      steady_ms: () => performance.now(),
    });
    this.handle({ type: "tick" });
  }

  /** Passes something that happened to the rules, and carries out their answer. @param {Input} input */
  handle(input) {
    const outputs = this.client.step(localNow(), Math.random(), input);
    for (const output of outputs) this.perform(output);
    this.ticks.plan();
    if (!this.client.isWelcomed()) this.showAlone();
  }

  /** Without the server: shows what plays here, or what this browser showed last. */
  showAlone() {
    const { link, playback, stored } = this.client;
    if (!playback && !stored && link.failed_attempts > 0) void this.lastShown(({ restoreShown }) => restoreShown(this));
    this.changed();
  }

  /** @param {(module: typeof import("./last_shown.js")) => void} act */
  async lastShown(act) {
    if (!this.client.view?.item && !localStorage.getItem(SHOWN)) return;
    this.shownModule ??= await import("./last_shown.js").catch(() => undefined);
    if (this.shownModule) act(this.shownModule);
  }

  /** @param {Output} output */
  perform(output) {
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
        this.answers.answered(output.id, output.refusal, { queue_length: output.queue_length });
        break;
      case "queue":
        if (this.queue.add(output.page)) this.changed();
        break;
      case "show":
        this.show();
        break;
      case "give_up":
        this.farewell = { code: output.code, reason: output.reason };
        this.changed();
        break;
      case "volume":
        store.prefer({ level: output.level, muted: output.muted });
        store.setVolumeVersion(this.client.device.volume?.version ?? 0);
        this.engine.perform(output);
        break;
      default:
        this.engine.perform(output);
    }
  }

  show() {
    if (this.client.device.id) store.setDeviceId(this.client.device.id);
    const { playback } = this.client;
    this.queue.show(playback ?? this.client.stored);
    if (playback?.item) catalogue.track(playback.item.media_id);
    if (playback?.next) catalogue.track(playback.next.media_id);
    this.preload.show(playback, this.client.lease() !== undefined);
    this.changed();
  }

  /** An entry of the queue in play order; `undefined` while it is not loaded. @param {number} index */
  entry(index) {
    return this.client.standalone ? this.client.standalone.items[index] : this.queue.entry(index);
  }

  /** The index of the current item in the queue; `undefined` while it is not known. */
  currentIndex() {
    const { standalone, view } = this.client;
    const id = view?.item?.id;
    if (!id) return undefined;
    if (!standalone) return this.queue.indexOf(id);
    const at = standalone.items.findIndex((item) => item.id === id);
    return at < 0 ? undefined : at;
  }

  /** Loads the page of a queue entry, if it is not loaded or on its way. @param {number} index */
  loadQueue(index) {
    if (this.client.standalone || !this.client.isWelcomed()) return;
    const from = this.queue.ask(index, performance.now());
    if (from === undefined) return;
    // Views that still need the page ask for it again then.
    setTimeout(() => this.queue.has(from) || this.changed(), PAGE_MS);
    this.handle({ type: "look", from, limit: QUEUE_PAGE });
  }

  /** Learns the queue; while this device plays for the session, it also keeps the next tracks. */
  learnAhead() {
    const { client } = this;
    const { playback } = client;
    const current = itemOf(client.audio) ?? playback?.item;
    if (!playback || !current || !client.isWelcomed()) return;
    const isHere = client.lease() !== undefined;
    const todo = this.keepAhead.learn(playback, current, this.queue.known(), isHere);
    if (!todo) return;
    if ("ask" in todo) return this.loadQueue(todo.ask);
    this.handle({ type: "ahead", items: todo.queue });
    const at = todo.queue.findIndex(({ id }) => id === current.id);
    for (const { media_id } of todo.queue.slice(at, at + LEARNT)) catalogue.track(media_id);
    void this.keepAhead.keepAll(isHere && !avoidsTraffic() ? todo.keep : []);
  }

  /** The place in the item that every screen shows, while it plays. */
  wanted() {
    const playback = this.client.view;
    const place_ms = this.client.positionAt(localNow());
    if (playback?.status !== "playing" || !playback.item || place_ms === undefined) return undefined;
    return { item: playback.item.id, place_ms, rate: playback.rate };
  }

  /** The shown place in the item, in milliseconds. */
  place_ms() {
    return this.client.positionAt(localNow()) ?? 0;
  }

  /**
   * Sends a command to the session. Resolves when the server has stored it, or when this device carries it out alone.
   * @param {Op} op @returns {Promise<{queue_length?: number}>}
   */
  async command(op) {
    this.engine.unlock();
    const id = randomId();
    const mayStart = this.isAway && (op.tracks || !this.client.standalone);
    const start = mayStart ? await this.offlineStart(op) : undefined;
    if (start && this.isAway) {
      this.handle({ type: "standalone", id, ...start });
      return {};
    }
    const answered = this.answers.of(id, () => this.client.isWelcomed());
    this.handle({ type: "command", id, op });
    return answered;
  }

  /** Whether the server is away, so that this page may start what is kept here. */
  get isAway() {
    return mayPlayStandalone(this.client, localNow());
  }

  /** @param {Op} op */
  async offlineStart(op) {
    const { client } = this;
    const kept = await keptPaths();
    return offlineStart(op, {
      track: (media_id) => catalogue.known(media_id),
      isKept: (media_id) => {
        const address = catalogue.known(media_id)?.audio_url;
        return Boolean(address) && kept.has(new URL(address, location.href).pathname);
      },
      current: itemOf(client.audio) ?? client.view?.item,
      ahead: client.ahead,
      place_ms: client.placeAt(localNow()) ?? this.place_ms(),
      areEntries: !client.stored || this.areStoredEntries,
      isPlayingHere: client.lease() !== undefined && client.audio.kind !== "silent",
    });
  }

  /** A person changes the volume of this device on this page. @param {number} level 0 to 100 @param {boolean} muted */
  setVolume(level, muted) {
    store.prefer({ level, muted });
    this.engine.perform({ type: "volume", level, muted });
    this.handle({ type: "volume", level, muted });
  }

  /** Leaves the session for good. @param {"close" | "logout" | "sleep"} reason */
  leave(reason) {
    if (reason !== "logout") this.shownModule?.keepShown(this, true);
    this.handle({ type: "leave", reason });
    this.socket.disconnect();
    this.answers.end();
    this.ticks.end();
    this.preload.end();
    this.keepAhead.end();
    this.engine.end();
  }
}

/** Whether loading ahead is not wanted: nothing is to be kept, or the browser is told to save data. */
function avoidsTraffic() {
  return store.preferences.keep_mb === 0 || /** @type {any} */ (navigator).connection?.saveData === true;
}

/**
 * The rules of a client: when to play, when to be silent, what to report, how to follow the server's time, how to
 * reconnect. They are pure: the client's steady clock in microseconds and a random number are arguments. The Rust
 * client in `client/src/rules` has the same rules.
 *
 * Each `playback` from the server is compared with the audio, and the audio is corrected. So nothing that was done
 * before has to be undone.
 */

import { itemOf, placeAt } from "./audio.js";
import { ServerTime } from "./clock.js";
import {
  FIRST_LIMITS,
  Link,
  closed,
  continueBurst,
  deadlineOfLink,
  leave,
  restartBurst,
  sendHello,
  tickLink,
  wake,
  welcomed,
} from "./link.js";
import {
  deadlineOfAudio,
  finished,
  follow,
  forgetOldEnd,
  heardAlone,
  interrupted,
  obey,
  report,
  reportIfClockWasWrong,
  tickAudio,
} from "./obey.js";
import { PendingCommands } from "./pending_commands.js";
import { fallSilent, isAllowed, renewLease } from "./silence.js";
import { compareStamps, positionAt, stampOf } from "./stamps.js";
import {
  comeBack,
  commandStandalone,
  endStandalone,
  finishedStandalone,
  pauseAlone,
  showStandalone,
  startStandalone,
} from "./standalone.js";
import { isPrepared } from "./transfer.js";

/** @import {Audio, DeviceList, Frame, HelloDevice, Input, Item, Limits, Output, Playback, Stamp} from "./types.js" */

export class Client {
  /**
   * A client that has never connected.
   * @param {HelloDevice} device @param {string | undefined} token of the login, sent in the `hello`
   * @param {number} local_us
   */
  constructor(device, token, local_us) {
    this.device = device;
    this.token = token;
    /** @type {Limits} */
    this.limits = FIRST_LIMITS;
    this.link = new Link(local_us);
    this.time = new ServerTime();
    /** @type {string | undefined} */
    this.clock_id = undefined;
    /** @type {Playback | undefined} */
    this.playback = undefined;
    /** @type {DeviceList | undefined} */
    this.devices = undefined;
    /** @type {Audio} */
    this.audio = { kind: "silent" };
    /** @type {{lease: Stamp, turn: Stamp} | undefined} the lease and turn that the audio plays under */
    this.carried = undefined;
    /** @type {Frame | undefined} the `ended` that was sent, until a playback shows that the server has it */
    this.ended = undefined;
    this.ended_due_us = local_us;
    /**
     * @type {{lease: Stamp, turn: Stamp, item: string, loaded: boolean} | undefined} what is loaded as the target of a
     * transfer
     */
    this.prepared = undefined;
    /** @type {{to: Stamp, from_us: number} | undefined} as the source of a transfer: silent from this server time on */
    this.promise = undefined;
    /** @type {number | undefined} */
    this.report_due_us = undefined;
    /** @type {string | undefined} the item that plays and the one after it, as the audio was last told */
    this.follows = undefined;
    this.pendingCommands = new PendingCommands();
    /** @type {import("./standalone.js").Standalone | undefined} what a person started while the server was away */
    this.standalone = undefined;
    /** The known entries of the queue around the current one, in play order. @type {Item[]} */
    this.ahead = [];
    /** @type {{item: Item, position_ms: number} | undefined} where the audio ended while the server was away */
    this.silenced = undefined;
    /** @type {Playback | undefined} what was shown before this page was loaded; until the first `welcome` */
    this.stored = undefined;
    /** @type {number | undefined} the place at the time of a pause that the server has not received, in milliseconds */
    this.paused_ms = undefined;
  }

  /**
   * Applies one input.
   * @param {number} local_us @param {number} chance a random number from 0 up to 1, for waiting times
   * @param {Input} input
   * @returns {Output[]} what to do, in this order
   */
  step(local_us, chance, input) {
    /** @type {Output[]} */
    const out = [];
    switch (input.type) {
      case "opened":
        sendHello(this, local_us, out);
        break;
      case "closed":
        closed(this, local_us, chance, input.code, out);
        break;
      case "frame":
        receive(this, local_us, input.frame, out);
        break;
      case "command":
        if (commandStandalone(this, local_us, input.id, input.op, out)) break;
        if (pauseAlone(this, local_us, input.id, input.op, out)) break;
        this.paused_ms = this.positionAt(local_us);
        this.pendingCommands.issue(this, local_us, input.id, input.op, out);
        if (this.pendingCommands.wantsSilence()) {
          fallSilent(this, out);
          out.push({ type: "show" });
        }
        break;
      case "standalone":
        startStandalone(this, input, out);
        break;
      case "ahead":
        this.ahead = input.items;
        if (this.playback) follow(this, this.playback, out);
        break;
      case "started":
        if (itemOf(this.audio)?.id === input.item.id) {
          const { item, position_ms, since_us } = input;
          this.audio = { kind: "sounding", item, position_ms, since_us, rate: this.playback?.rate ?? 1 };
          report(this, local_us, out);
        }
        break;
      case "prepared":
        isPrepared(this, local_us, input.item, out);
        break;
      case "stalled":
      case "blocked":
        interrupted(this, local_us, input.type === "blocked", out);
        break;
      case "unblocked":
        if (this.audio.kind === "loading" && this.audio.blocked) {
          this.audio = { ...this.audio, blocked: false };
          this.follows = undefined;
          const { item, position_ms } = this.audio;
          out.push({ type: "sound", item, position_ms, rate: this.playback?.rate ?? 1 });
        }
        break;
      case "failed": {
        const item = itemOf(this.audio);
        if (this.standalone) {
          finishedStandalone(this, local_us, false, out);
        } else if (item) {
          this.audio = { kind: "failed", item };
          report(this, local_us, out);
        }
        break;
      }
      case "finished":
        if (this.standalone) finishedStandalone(this, input.since_us, input.went_on, out);
        else finished(this, local_us, input.since_us, input.went_on, out);
        break;
      case "volume":
        turnVolume(this, input.level, input.muted, out);
        break;
      case "look":
        if (this.isWelcomed())
          out.push({ type: "send", frame: { type: "queue", from: input.from, limit: input.limit } });
        break;
      case "leave":
        leave(this, input.reason, out);
        break;
      case "wake":
        wake(this, local_us, out);
        if (this.isWelcomed()) obey(this, local_us, out);
        break;
      case "tick":
        tickLink(this, local_us, chance, out);
        tickAudio(this, local_us, out);
        this.pendingCommands.resendWhenDue(this, local_us, out);
        break;
    }
    showStandalone(this, local_us, out);
    return out;
  }

  isWelcomed() {
    return this.link.phase === "up";
  }

  /** The lease of this instance of this device, if it has one. @returns {Stamp | undefined} */
  lease() {
    const active = this.playback?.active;
    const isOwn = active && active.device_id === this.device.id && active.instance === this.device.instance;
    return isOwn ? active.lease : undefined;
  }

  /** The playback to show: the session's, or what plays here without the session. */
  get view() {
    return this.standalone?.playback ?? heardAlone(this) ?? this.playback ?? this.stored;
  }

  /** The place in the item that every screen shows, in milliseconds. @param {number} local_us */
  positionAt(local_us) {
    if (this.pendingCommands.wantsSilence()) return this.paused_ms;
    return this.view && positionAt(this.view, this.time.at(local_us));
  }

  /**
   * The place in the item at which this device's own audio is, in milliseconds; `undefined` when it is silent.
   * @param {number} local_us
   */
  placeAt(local_us) {
    return placeAt(this.audio, local_us);
  }

  /** When the next `tick` is due, in local time. @param {number} local_us */
  nextDeadline(local_us) {
    const resend_us = this.isWelcomed() ? this.pendingCommands.resendDue() : Infinity;
    return Math.min(deadlineOfLink(this), deadlineOfAudio(this, local_us), resend_us);
  }
}

/** @param {Client} client @param {number} local_us @param {Frame} frame @param {Output[]} out */
function receive(client, local_us, frame, out) {
  client.link.receive(local_us);
  switch (frame.type) {
    case "welcome":
      if (client.clock_id !== frame.clock_id) {
        client.clock_id = frame.clock_id;
        client.time.restart(local_us, frame.now_us);
        restartBurst(client, local_us, out);
        // The promised instant was on the earlier clock of the server.
        client.promise = undefined;
      }
      client.limits = { ...FIRST_LIMITS, ...frame.limits };
      client.link.sentAt(frame.now_us);
      renewLease(client, local_us);
      client.device.id = frame.device_id;
      welcomed(client, local_us, frame.jitter_ms, out);
      client.ended_due_us = local_us;
      client.silenced = undefined;
      client.stored = undefined;
      showDevices(client, frame.devices, out);
      correctVolume(client, out);
      applyPlayback(client, local_us, frame.playback, out);
      client.pendingCommands.resendAll(local_us, out);
      break;
    case "playback":
      receivePlayback(client, local_us, /** @type {any} */ (frame), out);
      break;
    case "devices": {
      const known = client.devices;
      const isNewer =
        !known || compareStamps([known.epoch, known.devices_revision], [frame.epoch, frame.devices_revision]) < 0;
      if (isNewer) showDevices(client, /** @type {any} */ (frame), out);
      break;
    }
    case "queue":
      out.push({ type: "queue", page: /** @type {any} */ (frame) });
      break;
    case "time": {
      const wasUnknown = client.time.bound_us() === undefined;
      const wasAllowed = isAllowed(client, local_us);
      client.time.learn(frame.client_us, frame.received_us, frame.sent_us, local_us);
      // Before the `welcome` it is not known whose clock this is.
      if (client.isWelcomed()) {
        client.link.sentAt(frame.sent_us);
        renewLease(client, local_us);
      }
      if ((wasUnknown || !wasAllowed) && client.isWelcomed()) obey(client, local_us, out);
      else reportIfClockWasWrong(client, local_us, out);
      continueBurst(client, local_us, out);
      break;
    }
    case "ping": {
      // A ping is answered at any time: the server detects dead sockets by it.
      out.push({ type: "send", frame: { type: "pong" } });
      if (!client.isWelcomed()) break;
      const wasAllowed = isAllowed(client, local_us);
      client.link.sentAt(frame.now_us);
      renewLease(client, local_us);
      if (!wasAllowed) obey(client, local_us, out);
      break;
    }
    case "ack":
      client.pendingCommands.answered(frame.id, answerOf(frame), out);
      break;
    case "reject":
      client.pendingCommands.refused(local_us, /** @type {any} */ (frame), out);
      if (client.standalone?.id === frame.id && !client.pendingCommands.has(frame.id)) {
        endStandalone(client, out);
        obey(client, local_us, out);
      }
      break;
    case "goaway":
      client.link.goAway(frame.code, frame.reason, frame.jitter_ms, frame.retry_ms);
      break;
  }
}

/** What an `ack` says. @param {Frame} frame @returns {{revision: number, queue_length?: number}} */
function answerOf({ revision, queue_length }) {
  return queue_length === undefined ? { revision } : { revision, queue_length };
}

/**
 * Applies a playback that is not older than the known one, and makes the audio follow it.
 * @param {Client} client @param {number} local_us @param {Playback} playback @param {Output[]} out
 */
function applyPlayback(client, local_us, playback, out) {
  forgetOldEnd(client, playback);
  client.playback = playback;
  out.push({ type: "show" });
  comeBack(client, local_us, playback, out);
  const wasPreparing = client.prepared !== undefined;
  obey(client, local_us, out);
  // The clock decides how well two devices switch.
  if (!wasPreparing && client.prepared && client.time.isRough(local_us)) restartBurst(client, local_us, out);
}

/** @param {Client} client @param {number} local_us @param {Playback} playback @param {Output[]} out */
function receivePlayback(client, local_us, playback, out) {
  const known = client.playback;
  if (known && compareStamps(stampOf(known), stampOf(playback)) > 0) return;
  applyPlayback(client, local_us, playback, out);
  if (known && known.epoch < playback.epoch) client.pendingCommands.resendAll(local_us, out);
}

/** @param {Client} client @param {DeviceList} list @param {Output[]} out */
function showDevices(client, list, out) {
  client.devices = list;
  out.push({ type: "show" });
  const volume = list.devices.find((device) => device.id === client.device.id)?.volume;
  // Before the `welcome` the id may be that of another device.
  if (client.isWelcomed() && volume && volume.version > (client.device.volume?.version ?? -1)) {
    client.device.volume = volume;
    out.push({ type: "volume", level: volume.level, muted: volume.muted });
  }
}

/**
 * After the first list on a new socket: the volume may have been changed here between the `hello` and the `welcome`.
 * What the list does not show is sent.
 * @param {Client} client @param {Output[]} out
 */
function correctVolume(client, out) {
  const own = client.device.volume;
  const listed = client.devices?.devices.find((device) => device.id === client.device.id)?.volume;
  const isShown = own?.level === listed?.level && own?.muted === listed?.muted && own?.version === listed?.version;
  if (own && !isShown) out.push({ type: "send", frame: { type: "volume", ...own } });
}

/**
 * A person changed the volume on this device.
 * @param {Client} client @param {number} level @param {boolean} muted @param {Output[]} out
 */
function turnVolume(client, level, muted, out) {
  const version = client.device.volume?.version ?? 0;
  client.device.volume = { level, muted, version };
  if (client.isWelcomed()) out.push({ type: "send", frame: { type: "volume", level, muted, version } });
}

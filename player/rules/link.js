/** The connection of a client: probes, detection of a dead socket, reconnecting (R8, R12). */

import { BURST } from "./clock.js";
import { fallSilent, silentAt } from "./silence.js";
import { compareStamps, stampOf } from "./stamps.js";
import { pauseWithoutAnswer } from "./standalone.js";

/** @import {Client} from "./client.js" */
/** @import {Limits, Output, Stamp} from "./types.js" */

/** The limits that hold before the first `welcome`. @type {Limits} */
export const FIRST_LIMITS = {
  heartbeat_ms: 2_000,
  idle_ms: 20_000,
  lease_ms: 5_000,
  audio_ms: 600_000,
  frame_bytes: 65_536,
  page_items: 200,
  tracks: 500,
};
/** The longest wait between two attempts, in milliseconds, unless the server asks for a longer one. */
const LONGEST_WAIT_MS = 5_000;
/** The longest wait that the server may ask for, in milliseconds. */
const LONGEST_ASKED_MS = 30_000;
/** The wait after the first failed attempt, in milliseconds; doubled with each further one. */
const FIRST_WAIT_MS = 250;
/** The longest wait before the first attempt of a device that plays, in milliseconds. */
const SOUNDING_WAIT_MS = 1_000;
/** The longest time from an attempt to its `welcome`, in milliseconds. */
const ATTEMPT_MS = 10_000;
/** After a wake-up the first probe must be answered within this time, or the socket is dead, in milliseconds. */
const WAKING_MS = 4_000;
/** An attempt that is older than this at a wake-up is started anew, in milliseconds: what it sent may be lost. */
const STALE_ATTEMPT_MS = 1_000;

/** Whether a close code asks the client not to reconnect. @param {number} code */
const isFinal = (code) => code >= 4500 && code <= 4999;

export class Link {
  /** A client without a connection, whose first attempt is due at once. @param {number} local_us */
  constructor(local_us) {
    /** @type {"down" | "trying" | "up" | "over"} */
    this.phase = "down";
    /** When the next attempt is due (`down`), or when the current one began (`trying`), in local time. */
    this.since_us = local_us;
    /** Attempts since the last `welcome`: the waits grow with them. */
    this.failed_attempts = 0;
    /** How often a `hello` was sent. */
    this.hellos = 0;
    this.jitter_ms = 0;
    /**
     * @type {{code: number, reason: string, retry_ms: number} | undefined} from the server's `goaway`, in case the
     * close frame is lost
     */
    this.farewell = undefined;
    /** Why the last socket was closed, until the next `welcome`. @type {number | undefined} */
    this.why = undefined;
    this.heard_us = local_us;
    /** The last frame on a welcomed socket, in local time: `audio_ms` counts from it. */
    this.contact_us = local_us;
    /** When the last probe was sent, in local time. */
    this.probed_us = local_us;
    /** @type {number | undefined} when the first probe was sent since which no frame came, in local time */
    this.unheard_us = undefined;
    this.patience_ms = 0;
    this.burst_left = 0;
    /** @type {number | undefined} the newest time that the server sent: strict mode counts from it */
    this.server_sent_us = undefined;
    /** Strict mode lets the device play until then, in local time. */
    this.allowed_us = -Infinity;
  }

  /** The server sent this at `now_us` of its clock. @param {number} now_us */
  sentAt(now_us) {
    this.server_sent_us = now_us;
  }

  /** A frame came. @param {number} local_us */
  receive(local_us) {
    this.heard_us = local_us;
    this.unheard_us = undefined;
    if (this.phase === "up") this.contact_us = local_us;
  }

  /**
   * The server announces that it will close this socket.
   * @param {number} code @param {string} reason @param {number} jitter_ms
   * @param {number} [retry_ms] how long to wait at least before the next attempt
   */
  goAway(code, reason, jitter_ms, retry_ms = 0) {
    this.jitter_ms = jitter_ms;
    this.farewell = { code, reason, retry_ms };
  }
}

/** @param {Client} client @param {number} local_us @param {Output[]} out */
export function sendHello(client, local_us, out) {
  const { link } = client;
  Object.assign(link, { phase: "trying", since_us: local_us, heard_us: local_us, farewell: undefined });
  client.pendingCommands.resetCopies();
  link.hellos += 1;
  const { token, device } = client;
  const frame = { type: "hello", token, device: { ...device }, seen: seen(client), attempt: link.hellos };
  out.push({ type: "send", frame });
  startBurst(client, local_us, out);
}

/** The newest stamp that the server has sent. @param {Client} client @returns {Stamp | undefined} */
function seen({ playback, devices }) {
  const shown = playback && stampOf(playback);
  /** @type {Stamp | undefined} */
  const listed = devices && [devices.epoch, devices.devices_revision];
  return shown && listed && compareStamps(shown, listed) < 0 ? listed : (shown ?? listed);
}

/**
 * Starts a burst of probes, whose first answer replaces all earlier ones.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
function startBurst(client, local_us, out) {
  client.link.burst_left = BURST;
  client.time.renew();
  probe(client, local_us, out);
}

/**
 * The server has another clock: starts the burst again.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function restartBurst(client, local_us, out) {
  const isAsked = client.link.burst_left > 0;
  client.link.burst_left = BURST;
  if (!isAsked) probe(client, local_us, out);
}

/** @param {Client} client @param {number} local_us @param {number} jitter_ms @param {Output[]} out */
export function welcomed(client, local_us, jitter_ms, out) {
  Object.assign(client.link, { phase: "up", failed_attempts: 0, jitter_ms, why: undefined });
  client.link.receive(local_us);
  out.push({ type: "show" });
}

/**
 * The socket is closed: plans the next attempt. After a connection that worked, the wait is a random part of the
 * server's jitter; after a failed attempt, a random part of a time that doubles with each attempt. Where the server has
 * said how long to wait at least, that comes first, up to `LONGEST_ASKED_MS`.
 * @param {Client} client
 * @param {number} local_us
 * @param {number} chance
 * @param {number | undefined} code
 * @param {Output[]} out
 */
export function closed(client, local_us, chance, code, out) {
  const { link } = client;
  if (link.phase === "over") return;
  const told = link.farewell;
  link.farewell = undefined;
  link.why = told?.code ?? code;
  const final = [code, told?.code].find((known) => known !== undefined && isFinal(known));
  if (final !== undefined) {
    link.phase = "over";
    client.standalone = undefined;
    fallSilent(client, out);
    out.push({ type: "give_up", code: final, reason: told?.reason ?? "" }, { type: "show" });
    return;
  }
  if (client.standalone) {
    client.standalone.isAsked = false;
    client.pendingCommands.forget(client.standalone.id);
  }
  // A device that is cut off before a switch does not start: the server cannot tell it if the switch is cancelled.
  if (client.audio.kind === "armed") fallSilent(client, out);
  const wasUp = link.phase === "up";
  const isSounding = client.audio.kind === "sounding";
  const doubled_ms = Math.min(FIRST_WAIT_MS * 2 ** Math.min(link.failed_attempts, 10), LONGEST_WAIT_MS);
  const jitter_ms = isSounding ? Math.min(link.jitter_ms, SOUNDING_WAIT_MS) : link.jitter_ms;
  const least_ms = Math.min(told?.retry_ms ?? 0, LONGEST_ASKED_MS);
  link.failed_attempts += 1;
  link.phase = "down";
  link.since_us = local_us + (least_ms + chance * (wasUp ? jitter_ms : doubled_ms)) * 1000;
  link.unheard_us = undefined;
  pauseWithoutAnswer(client, local_us, out);
  out.push({ type: "show" });
}

/** @param {Client} client @param {"close" | "logout" | "sleep"} reason @param {Output[]} out */
export function leave(client, reason, out) {
  client.standalone = undefined;
  fallSilent(client, out);
  if (client.isWelcomed()) out.push({ type: "send", frame: { type: "bye", reason } });
  client.link.phase = "over";
  out.push({ type: "show" });
}

/**
 * The page is back from sleep or from the background, or the network is back: connects at once, or checks that the
 * socket is alive.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function wake(client, local_us, out) {
  const { link } = client;
  // The local clock may have stopped, so the lease may have run out meanwhile.
  client.time.doubt(local_us);
  link.allowed_us = Math.min(link.allowed_us, local_us);
  if (silentAt(client) <= local_us) fallSilent(client, out);
  if (link.phase === "trying" && link.since_us + STALE_ATTEMPT_MS * 1000 <= local_us) {
    out.push({ type: "disconnect" });
    closed(client, local_us, 0, undefined, out);
  }
  if (link.phase === "down") {
    link.failed_attempts = 0;
    link.since_us = local_us;
    tickLink(client, local_us, 0, out);
  } else if (link.phase === "up") {
    startBurst(client, local_us, out);
    link.patience_ms = WAKING_MS;
  }
}

/**
 * Whether the server counts this device as lost after `lease_ms`: it is the active one, and is to play.
 * @param {Client} client
 */
const isWatched = (client) => client.lease() !== undefined && client.playback?.intent === "play";

/**
 * The interval of probes in milliseconds. They show both sides that the other is there: shorter for a device that is to
 * play.
 * @param {Client} client
 */
function probeEvery(client) {
  const { heartbeat_ms, idle_ms } = client.limits;
  return isWatched(client) ? heartbeat_ms * 1.25 : idle_ms * 1.5;
}

/** @param {Client} client @param {number} local_us @param {Output[]} out */
function probe(client, local_us, out) {
  const { link, limits } = client;
  const silence_ms = isWatched(client) ? limits.lease_ms * 1.1 : limits.idle_ms * 1.75;
  link.burst_left = Math.max(0, link.burst_left - 1);
  link.probed_us = local_us;
  if (link.unheard_us === undefined) {
    // Timers of a hidden page may fire minutes late. So silence of the server counts from a probe that was really sent.
    link.unheard_us = local_us;
    link.patience_ms = silence_ms - probeEvery(client);
  }
  out.push({ type: "send", frame: { type: "time", client_us: local_us } });
}

/**
 * Sends the next probe of a burst, after the answer to the one before.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function continueBurst(client, local_us, out) {
  if (client.link.burst_left > 0) probe(client, local_us, out);
}

/** @param {Client} client */
function deadAt(client) {
  const { unheard_us, patience_ms } = client.link;
  return unheard_us === undefined ? Infinity : unheard_us + patience_ms * 1000;
}

/** @param {Client} client */
export function deadlineOfLink(client) {
  const { phase, since_us, probed_us } = client.link;
  switch (phase) {
    case "down":
      return since_us;
    case "trying":
      return since_us + ATTEMPT_MS * 1000;
    case "up":
      return Math.min(probed_us + probeEvery(client) * 1000, deadAt(client));
    default:
      return Infinity;
  }
}

/** @param {Client} client @param {number} local_us @param {number} chance @param {Output[]} out */
export function tickLink(client, local_us, chance, out) {
  if (deadlineOfLink(client) > local_us) return;
  const { link } = client;
  if (link.phase === "down") {
    Object.assign(link, { phase: "trying", since_us: local_us });
    out.push({ type: "connect" });
  } else if (link.phase === "trying" || deadAt(client) <= local_us) {
    out.push({ type: "disconnect" });
    closed(client, local_us, chance, undefined, out);
  } else {
    probe(client, local_us, out);
  }
}

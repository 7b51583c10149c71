/** The connection of a client: probes, silence, and how to come back (R8, R12). */

import { BURST } from "./clock.js";
import { fallSilent, silentAt } from "./silence.js";
import { compareStamps, stampOf } from "./stamps.js";

/** @import {Client} from "./client.js" */
/** @import {Limits, Output, Stamp} from "./types.js" */

/** What is assumed before the first `welcome`. @type {Limits} */
export const FIRST_LIMITS = {
  heartbeat_ms: 2_000,
  idle_ms: 20_000,
  lease_ms: 5_000,
  audio_ms: 600_000,
  frame_bytes: 65_536,
  page_items: 200,
  tracks: 500,
};
/** Longest wait between two attempts. */
const LONGEST_WAIT_MS = 30_000;
/** First wait after a failed attempt, doubled with each further one. */
const FIRST_WAIT_MS = 250;
/** A device that sounds waits no longer than this before its first attempt. */
const SOUNDING_WAIT_MS = 1_000;
/** An attempt to connect and be welcomed takes no longer. */
const ATTEMPT_MS = 10_000;
/** After a wake-up the first probe is answered within this, or the socket is dead. */
const WAKING_MS = 4_000;
/** An attempt that has run so long at a wake-up is begun anew: what it sent went into nowhere. */
const STALE_ATTEMPT_MS = 1_000;

/** Close codes that ask a client not to come back. @param {number} code */
const staysAway = (code) => code >= 4500 && code <= 4999;

export class Link {
  /** No connection yet, the first attempt at once. @param {number} local_us */
  constructor(local_us) {
    /** @type {"down" | "trying" | "up" | "over"} */
    this.phase = "down";
    /** When the next attempt is (`down`), or since when the one in hand runs (`trying`). */
    this.since_us = local_us;
    this.attempts = 0;
    this.jitter_ms = 0;
    /** @type {{code: number, reason: string} | undefined} the server's `goaway`, should its close frame be lost */
    this.farewell = undefined;
    this.heard_us = local_us;
    /** The last contact on a welcomed socket: `audio_ms` counts from it. */
    this.contact_us = local_us;
    /** When it was last asked. */
    this.probed_us = local_us;
    /** @type {number | undefined} when the first probe was sent that nothing was heard after */
    this.unheard_us = undefined;
    this.patience_ms = 0;
    this.burst_left = 0;
    /**
     * @type {number | undefined} strict mode counts from here: the server's time when it last said anything of the
     * lease
     */
    this.pinged_us = undefined;
    /** In strict mode the device may sound until then, in local time. */
    this.allowed_us = -Infinity;
  }

  /** The server said this at its `now_us`. @param {number} now_us */
  ping(now_us) {
    this.pinged_us = now_us;
  }

  /** The server was heard; on a welcomed socket that is contact. @param {number} local_us */
  hear(local_us) {
    this.heard_us = local_us;
    this.unheard_us = undefined;
    if (this.phase === "up") this.contact_us = local_us;
  }

  /** The server is about to end this socket. @param {number} code @param {string} reason @param {number} jitter_ms */
  sentAway(code, reason, jitter_ms) {
    this.jitter_ms = jitter_ms;
    this.farewell = { code, reason };
  }
}

/** @param {Client} client @param {number} local_us @param {Output[]} out */
export function greet(client, local_us, out) {
  const { link } = client;
  Object.assign(link, { phase: "trying", since_us: local_us, heard_us: local_us, farewell: undefined });
  client.pendingCommands.resetCopies();
  const lease = client.audio.kind === "sounding" ? client.carried?.lease : undefined;
  const frame = { type: "hello", token: client.token, device: { ...client.device }, lease, seen: seen(client) };
  out.push({ type: "send", frame });
  askTimeAnew(client, local_us, out);
}

/** The newest stamp that this device was shown. @param {Client} client @returns {Stamp | undefined} */
function seen({ playback, devices }) {
  const shown = playback && stampOf(playback);
  /** @type {Stamp | undefined} */
  const listed = devices && [devices.epoch, devices.devices_revision];
  return shown && listed && compareStamps(shown, listed) < 0 ? listed : (shown ?? listed);
}

/**
 * A burst of probes, whose first answer replaces what was learnt before.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
function askTimeAnew(client, local_us, out) {
  client.link.burst_left = BURST;
  client.time.renew();
  probe(client, local_us, out);
}

/**
 * What was learnt of another clock counts for nothing: the burst begins again.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function beginAnew(client, local_us, out) {
  const isAsked = client.link.burst_left > 0;
  client.link.burst_left = BURST;
  if (!isAsked) probe(client, local_us, out);
}

/** @param {Client} client @param {number} local_us @param {number} jitter_ms @param {Output[]} out */
export function welcomed(client, local_us, jitter_ms, out) {
  Object.assign(client.link, { phase: "up", attempts: 0, jitter_ms });
  client.link.hear(local_us);
  out.push({ type: "show" });
}

/**
 * The first wait is a random part of the server's jitter, the later ones of a time that doubles.
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
  const final = [code, told?.code].find((known) => known !== undefined && staysAway(known));
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
  // Who is cut off before a switch starts nothing: nobody could be told.
  if (client.audio.kind === "armed") fallSilent(client, out);
  const wasUp = link.phase === "up";
  const isSounding = client.audio.kind === "sounding";
  const doubled_ms = Math.min(FIRST_WAIT_MS * 2 ** Math.min(link.attempts, 10), LONGEST_WAIT_MS);
  const jitter_ms = isSounding ? Math.min(link.jitter_ms, SOUNDING_WAIT_MS) : link.jitter_ms;
  link.attempts += 1;
  link.phase = "down";
  link.since_us = local_us + chance * (wasUp ? jitter_ms : doubled_ms) * 1000;
  link.unheard_us = undefined;
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
 * The page is back from sleep or hiding, or the network is: an attempt at once, or proof that the socket lives.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function wake(client, local_us, out) {
  const { link } = client;
  // Nobody knows what the clock has missed: what it was to tell, the end of a lease too, has come.
  client.time.doubt(local_us);
  link.allowed_us = Math.min(link.allowed_us, local_us);
  if (silentAt(client) <= local_us) fallSilent(client, out);
  if (link.phase === "trying" && link.since_us + STALE_ATTEMPT_MS * 1000 <= local_us) {
    out.push({ type: "disconnect" });
    closed(client, local_us, 0, undefined, out);
  }
  if (link.phase === "down") {
    link.attempts = 0;
    link.since_us = local_us;
    tickLink(client, local_us, 0, out);
  } else if (link.phase === "up") {
    askTimeAnew(client, local_us, out);
    link.patience_ms = WAKING_MS;
  }
}

/** A device that sounds must notice sooner that nobody hears it any more. @param {Client} client */
function probeEvery(client) {
  return client.lease() ? client.limits.heartbeat_ms * 1.25 : client.limits.idle_ms / 2;
}

/** @param {Client} client @param {number} local_us @param {Output[]} out */
function probe(client, local_us, out) {
  const { link, limits } = client;
  const isActive = client.lease() !== undefined;
  const silence_ms = isActive ? limits.lease_ms * 1.1 : limits.idle_ms * 1.5;
  link.burst_left = Math.max(0, link.burst_left - 1);
  link.probed_us = local_us;
  if (link.unheard_us === undefined) {
    // Timers of a hidden page may come minutes late, so silence counts from a question that was really asked.
    link.unheard_us = local_us;
    link.patience_ms = silence_ms - probeEvery(client);
  }
  out.push({ type: "send", frame: { type: "time", client_us: local_us } });
}

/**
 * The next probe of a burst follows the answer to the one before.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function probeAgain(client, local_us, out) {
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

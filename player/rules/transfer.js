/**
 * The music moves from a source to a target device (R7): the target loads it without a sound; the source promises
 * silence from an instant on and plays until then.
 */

import { placeAt } from "./audio.js";
import { positionAt, sameStamp, stampOf } from "./stamps.js";

/** @import {Client} from "./client.js" */
/** @import {Item, Output, Playback, Stamp} from "./types.js" */

/**
 * The holder of `lease` promises silence from the instant of the switch that the playback shows. Without a switch there
 * is no promise.
 * @param {Client} client @param {Stamp} lease @param {Playback} playback @param {Output[]} out
 */
export function promise(client, lease, playback, out) {
  const { lease: to, switch_at_us: from_us } = playback.transfer ?? {};
  const was = client.promise;
  client.promise = to && from_us !== undefined ? { to, from_us } : undefined;
  if (client.promise?.from_us !== was?.from_us) {
    out.push({ type: "until", at_us: client.promise && client.promise.from_us - client.time.caution_us() });
  }
  if (client.promise && client.isWelcomed()) {
    out.push({ type: "send", frame: { type: "yield", lease, seen: stampOf(playback), to } });
  }
}

/** Whether the instant of the promised silence has come. @param {Client} client @param {number} local_us */
export function mustKeepPromise(client, local_us) {
  const { promise, time } = client;
  // With an unknown clock the instant is unknown: silent at once.
  return (
    promise !== undefined && (time.bound_us() === undefined || promise.from_us - time.caution_us() <= time.at(local_us))
  );
}

/**
 * When the promised silence begins, in local time; `Infinity` without one.
 * @param {Client} client @param {number} local_us
 */
export function promiseDue(client, local_us) {
  const { kind } = client.audio;
  const waits = client.promise && (kind === "sounding" || kind === "loading");
  return client.promise && waits
    ? client.time.local(client.promise.from_us, local_us) - client.time.caution_us()
    : Infinity;
}

/**
 * Whether this device, whose promise was accepted, may play on until the switch.
 * @param {Client} client @param {number} local_us @param {Playback} playback
 */
export function soundsUntilSwitch(client, local_us, playback) {
  const granted = sameStamp(playback.active?.lease, client.promise?.to);
  const asBefore = playback.intent === "play" && sameStamp(client.carried?.turn, playback.turn);
  return client.audio.kind === "sounding" && granted && asBefore && !mustKeepPromise(client, local_us);
}

/**
 * Becomes silent for the switch, at the place where the target goes on.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function keepPromise(client, local_us, out) {
  const position_ms = placeAt(client.audio, local_us);
  const { audio } = client;
  if ((audio.kind === "sounding" || audio.kind === "loading") && position_ms !== undefined) {
    client.audio = { kind: "held", item: audio.item, position_ms };
    client.follows = undefined;
    out.push({ type: "silence" });
  }
}

/**
 * The target of a transfer loads what is shown, and tells the server when it is loaded. What is no longer wanted is
 * dropped.
 * @param {Client} client @param {number} local_us @param {Playback} playback @param {Output[]} out
 */
export function prepare(client, local_us, playback, out) {
  const { transfer, active, item, turn } = playback;
  const isMine =
    transfer?.to === client.device.id && (transfer?.instance ?? client.device.instance) === client.device.instance;
  const known = client.prepared;
  if (transfer && isMine && active && item) {
    const isKnown =
      known && sameStamp(known.lease, active.lease) && sameStamp(known.turn, turn) && known.item === item.id;
    if (isKnown) {
      sendReady(client, local_us, out);
    } else if (client.audio.kind === "silent") {
      client.prepared = { lease: active.lease, turn, item: item.id, loaded: false };
      out.push({ type: "prepare", item, position_ms: positionAt(playback, client.time.at(local_us)) });
    }
  } else if (known && !(client.lease() && playback.intent === "play")) {
    dropPrepared(client, out);
  }
}

/** @param {Client} client @param {Output[]} out */
export function dropPrepared(client, out) {
  if (client.prepared && client.audio.kind === "silent") out.push({ type: "silence" });
  client.prepared = undefined;
}

/**
 * The audio that was to be prepared is loaded.
 * @param {Client} client @param {number} local_us @param {Item} item @param {Output[]} out
 */
export function isPrepared(client, local_us, item, out) {
  if (client.prepared?.item !== item.id) return;
  client.prepared.loaded = true;
  sendReady(client, local_us, out);
}

/**
 * Tells the server that the audio is loaded, until a playback shows that the server knows.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
function sendReady(client, local_us, out) {
  const transfer = client.playback?.transfer;
  if (!client.prepared?.loaded || !transfer || transfer.lease || !client.isWelcomed()) return;
  const { lease, turn, item } = client.prepared;
  out.push({ type: "send", frame: { type: "ready", lease, turn, item, earliest_us: client.time.at(local_us) } });
}

/**
 * The instant of the switch, while no report came from the target since: the place counts from it.
 * @param {Playback} playback
 */
export function instantOfSwitch(playback) {
  const { active, at_us } = playback;
  return active?.source && active.from_us !== undefined && at_us <= active.from_us ? active.from_us : undefined;
}

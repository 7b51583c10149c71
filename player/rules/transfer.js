/**
 * The music moves (R7), as the two devices see it: the target loads without a sound, the source gives its lease up for
 * an instant and sounds until it.
 */

import { placeAt } from "./audio.js";
import { positionAt, sameStamp, stampOf } from "./stamps.js";

/** @import {Client} from "./client.js" */
/** @import {Item, Output, Playback, Stamp} from "./types.js" */

/**
 * The holder of `lease` promises its silence for the switch that is shown, if one is; a promise whose switch is shown
 * no more is void.
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

/** Whether the instant of a promised silence has come. @param {Client} client @param {number} local_us */
export function mustKeepPromise(client, local_us) {
  const { promise, time } = client;
  // A clock that is not known cannot tell when: then at once.
  return (
    promise !== undefined && (time.bound_us() === undefined || promise.from_us - time.caution_us() <= time.at(local_us))
  );
}

/** When a promised silence begins, in local time. @param {Client} client @param {number} local_us */
export function promiseDue(client, local_us) {
  const { kind } = client.audio;
  const waits = client.promise && (kind === "sounding" || kind === "loading");
  return client.promise && waits
    ? client.time.local(client.promise.from_us, local_us) - client.time.caution_us()
    : Infinity;
}

/**
 * Whether this device, whose promise was accepted, may sound on until the switch.
 * @param {Client} client @param {number} local_us @param {Playback} playback
 */
export function soundsUntilSwitch(client, local_us, playback) {
  const granted = sameStamp(playback.active?.lease, client.promise?.to);
  const asBefore = playback.intent === "play" && sameStamp(client.carried?.turn, playback.turn);
  return client.audio.kind === "sounding" && granted && asBefore && !mustKeepPromise(client, local_us);
}

/**
 * Silent for the switch, at the place where the target goes on.
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
 * The target of a transfer loads what is shown and says when it has; what nobody waits for is dropped.
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
      sayReady(client, local_us, out);
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
 * The audio that was to be prepared is there.
 * @param {Client} client @param {number} local_us @param {Item} item @param {Output[]} out
 */
export function isPrepared(client, local_us, item, out) {
  if (client.prepared?.item !== item.id) return;
  client.prepared.loaded = true;
  sayReady(client, local_us, out);
}

/**
 * Says that the audio is there, as long as nothing shows that the server knows.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
function sayReady(client, local_us, out) {
  const transfer = client.playback?.transfer;
  if (!client.prepared?.loaded || !transfer || transfer.lease || !client.isWelcomed()) return;
  const { lease, turn, item } = client.prepared;
  out.push({ type: "send", frame: { type: "ready", lease, turn, item, earliest_us: client.time.at(local_us) } });
}

/**
 * When the audio changed over, if the device has not said since where it is: it goes on from where it was then.
 * @param {Playback} playback
 */
export function instantOfSwitch(playback) {
  const { active, at_us } = playback;
  return active?.source && active.from_us !== undefined && at_us <= active.from_us ? active.from_us : undefined;
}

/**
 * Playback without the server: what a person starts on this device while it is cut off. It plays without a lease. When
 * the server is back, it gets the command that was given here; if the session has changed meanwhile, the session wins.
 */

import { itemOf, placeAt, soundOf } from "./audio.js";
import { fallSilent, isStrict } from "./silence.js";
import { sameStamp } from "./stamps.js";

/** @import {Client} from "./client.js" */
/** @import {Item, Op, Output, Playback, Stamp} from "./types.js" */

/**
 * A device without the lease must be cut off for this long before a person can start playback here, in milliseconds.
 */
const CUT_OFF_MS = 3_000;
/** "Previous" goes to the item before when the place is at most this far from the beginning, in milliseconds. */
const BEGINNING_MS = 3_000;

/**
 * The index of the item that "previous" leads to, from the item at `at`.
 * @param {number} at @param {number} place_ms
 */
export const previousIndex = (at, place_ms) => (place_ms > BEGINNING_MS ? at : Math.max(0, at - 1));

/** @type {Playback} the session as it is assumed to be before the server has sent one */
const UNKNOWN = {
  epoch: 0,
  revision: 0,
  turn: [0, 0],
  intent: "stop",
  status: "idle",
  position_ms: 0,
  at_us: 0,
  rate: 1,
  after: [],
  repeat: "off",
  shuffle: false,
  queue_revision: 0,
  queue_length: 0,
};

/**
 * What plays here without the server. `id` is that of the command; `at` the index of the item; `turn` the session's at
 * the beginning; `turns` counts changes here; `isAsked`: the server is back and has got the command; `areEntries`: the
 * items are entries of the session's queue.
 * @typedef {{id: string, items: Item[], at: number, turn?: Stamp, turns: number, areEntries: boolean, isAsked: boolean,
 * playback: Playback}} Standalone
 */

/**
 * Whether a command on this device may start playback here. Not while another device plays for the session, as far as
 * this one knows: that device is probably not cut off.
 * @param {Client} client @param {number} local_us
 */
export function mayPlayStandalone(client, local_us) {
  const { link, playback } = client;
  if (client.isWelcomed() || isStrict(client) || link.phase === "over" || link.failed_attempts === 0) return false;
  if (client.lease() || !playback) return true;
  return playback.intent !== "play" && local_us - link.contact_us >= CUT_OFF_MS * 1000;
}

/**
 * A person starts one of these items, which are kept on this device.
 * @param {Client} client
 * @param {{id: string, items: Item[], at: number, position_ms: number, areEntries: boolean}} start
 * @param {Output[]} out
 */
export function startStandalone(client, { id, items, at, position_ms, areEntries }, out) {
  begin(client, { id, items, at, areEntries }, out);
  goTo(client, at, position_ms, out);
  out.push({ type: "answered", id });
}

/**
 * A person pauses what this device plays while the server is away: the session gets item and place when it is back.
 * Returns whether it could.
 * @param {Client} client @param {number} local_us @param {string} id @param {Op} op @param {Output[]} out
 */
export function pauseAlone(client, local_us, id, op, out) {
  const { ahead, audio } = client;
  const item = itemOf(audio);
  const position_ms = placeAt(audio, local_us);
  const isHere = item && position_ms !== undefined && client.lease() && mayPlayStandalone(client, local_us);
  if (op.op !== "pause" || !isHere) return false;
  const found = ahead.findIndex((known) => known.id === item.id);
  begin(client, { id, items: found < 0 ? [item] : ahead, at: Math.max(0, found), areEntries: true }, out);
  if (client.standalone) client.standalone.playback.position_ms = position_ms;
  fallSilent(client, out);
  out.push({ type: "answered", id });
  return true;
}

/**
 * The connection is lost: it is unknown whether the last pause or stop that was sent has arrived, so this device
 * carries it out. The server gets it when it is back, like one that was issued without a connection.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function pauseWithoutAnswer(client, local_us, out) {
  const { pendingCommands } = client;
  const last = pendingCommands.lastSilence();
  if (!last || last.whileAway) return;
  const { command } = last;
  const { id } = command;
  const isDone =
    pendingCommands.isNewest(id) &&
    (commandStandalone(client, local_us, id, command, out) || pauseAlone(client, local_us, id, command, out));
  if (isDone) return pendingCommands.forget(id);
  client.paused_ms = placeAt(client.audio, local_us) ?? client.paused_ms;
  last.whileAway = true;
  fallSilent(client, out);
}

/**
 * @param {Client} client @param {{id: string, items: Item[], at: number, areEntries: boolean}} start
 * @param {Output[]} out
 */
function begin(client, { id, items, at, areEntries }, out) {
  // Earlier commands about the music are replaced by this one.
  client.pendingCommands.dropPlaybackCommands(out);
  client.ended = undefined;
  client.prepared = undefined;
  if (client.promise) out.push({ type: "until" });
  client.promise = undefined;
  if (!client.lease()) client.carried = undefined;
  const turn = client.standalone ? client.standalone.turn : client.playback?.turn;
  const playback = { ...(client.playback ?? UNKNOWN), queue_length: items.length };
  client.standalone = { id, items, at, turn, turns: 0, areEntries, isAsked: false, playback };
}

/** @param {Client} client @param {number} at @param {number} position_ms @param {Output[]} out */
function goTo(client, at, position_ms, out) {
  const { standalone } = client;
  const item = standalone?.items[at];
  if (!standalone || !item) return;
  standalone.at = at;
  standalone.turns += 1;
  client.audio = { kind: "loading", item, position_ms, blocked: false };
  out.push({ type: "sound", item, position_ms, rate: 1 });
  tellNext(client, out);
}

/** Tells the audio which item follows, so that there is no gap. @param {Client} client @param {Output[]} out */
function tellNext(client, out) {
  client.follows = undefined;
  out.push({ type: "follow", item: nextOf(client) });
}

/** @param {Client} client @returns {Item | undefined} */
function nextOf({ standalone, playback }) {
  if (!standalone) return undefined;
  if (playback?.repeat === "one") return standalone.items[standalone.at];
  return standalone.items[standalone.at + 1] ?? (playback?.repeat === "all" ? standalone.items[0] : undefined);
}

/**
 * Carries out a command while playback runs without the server; returns whether it could.
 * @param {Client} client @param {number} local_us @param {string} id @param {Op} op @param {Output[]} out
 */
export function commandStandalone(client, local_us, id, op, out) {
  const { standalone } = client;
  if (!standalone || client.isWelcomed()) return false;
  const place_ms = placeAt(client.audio, local_us) ?? standalone.playback.position_ms;
  const item = standalone.items.findIndex((known) => known.id === op.item);
  if (op.op === "pause" || op.op === "stop") {
    standalone.playback = { ...standalone.playback, position_ms: place_ms };
    fallSilent(client, out);
  } else if (op.op === "seek") {
    if (client.audio.kind === "silent") standalone.playback = { ...standalone.playback, position_ms: op.position_ms };
    else goTo(client, standalone.at, op.position_ms, out);
    standalone.turns += 1;
  } else if (op.op === "next" && nextOf(client)) {
    goTo(client, (standalone.at + 1) % standalone.items.length, 0, out);
  } else if (op.op === "previous") {
    goTo(client, previousIndex(standalone.at, place_ms), 0, out);
  } else if (op.op === "play" && !op.tracks && (op.item === undefined || item >= 0)) {
    goTo(client, item >= 0 ? item : standalone.at, op.position_ms ?? (item >= 0 ? 0 : place_ms), out);
  } else {
    return false;
  }
  out.push({ type: "answered", id });
  return true;
}

/**
 * An item ended, or cannot be played: goes to the next one.
 * @param {Client} client @param {number} since_us @param {boolean} went_on @param {Output[]} out
 */
export function finishedStandalone(client, since_us, went_on, out) {
  const { standalone } = client;
  const next = nextOf(client);
  if (!standalone) return;
  if (!next) {
    standalone.playback = { ...standalone.playback, position_ms: 0 };
    standalone.at = 0;
    fallSilent(client, out);
  } else if (went_on) {
    standalone.at = standalone.items.indexOf(next);
    client.audio = { kind: "sounding", item: next, position_ms: 0, since_us, rate: 1 };
    tellNext(client, out);
  } else {
    goTo(client, standalone.items.indexOf(next), 0, out);
  }
}

/** Makes the shown playback follow the audio. @param {Client} client @param {number} local_us @param {Output[]} out */
export function showStandalone(client, local_us, out) {
  const { standalone, audio, device } = client;
  if (!standalone || standalone.isAsked) return;
  const isOn = audio.kind !== "silent";
  const { playback } = standalone;
  standalone.playback = {
    ...playback,
    intent: isOn ? "play" : "pause",
    status: soundOf(audio),
    item: itemOf(audio) ?? standalone.items[standalone.at],
    next: nextOf(client),
    position_ms: placeAt(audio, local_us) ?? playback.position_ms,
    at_us: client.time.at(local_us),
    turn: [0, standalone.turns],
    active: { device_id: device.id ?? "", instance: device.instance, lease: [0, 0] },
    after: [],
    transfer: undefined,
    rate: 1,
  };
  out.push({ type: "show" });
}

/**
 * The server has sent a playback: it gets the command that was given here, or has answered it.
 * @param {Client} client @param {number} local_us @param {Playback} playback @param {Output[]} out
 */
export function comeBack(client, local_us, playback, out) {
  const { standalone, audio } = client;
  if (!standalone) return;
  if (!standalone.isAsked) {
    offer(client, local_us, standalone, playback, out);
    return;
  }
  const lease = client.lease();
  const isAnswer = playback.by?.command_id === standalone.id || !sameStamp(playback.turn, standalone.turn);
  if (!isAnswer) return;
  client.standalone = undefined;
  const item = itemOf(audio);
  const isTaken = lease && playback.intent === "play" && playback.item?.media_id === item?.media_id;
  if (isTaken && playback.item && audio.kind === "sounding") {
    // The session plays the same music under an entry of its own: the audio plays on, and reports go on.
    client.audio = { ...audio, item: playback.item };
    client.carried = { lease, turn: playback.turn };
    client.follows = undefined;
    out.push({ type: "rename", item: playback.item });
  }
}

/**
 * Sends the server the command that was given here, with the place that the music has reached. If the session has
 * changed since, or plays on another device, what plays here ends instead.
 * @param {Client} client
 * @param {number} local_us
 * @param {Standalone} standalone
 * @param {Playback} playback
 * @param {Output[]} out
 */
function offer(client, local_us, standalone, playback, out) {
  const { audio } = client;
  const lease = client.lease();
  const position_ms = placeAt(audio, local_us) ?? standalone.playback.position_ms;
  const wentOn = standalone.turn
    ? !sameStamp(standalone.turn, playback.turn)
    : playback.intent === "play" && playback.status !== "lost";
  const isOn = audio.kind !== "silent";
  if (wentOn || (!isOn && !lease)) {
    endStandalone(client, out);
    return;
  }
  standalone.isAsked = true;
  standalone.turn = playback.turn;
  const item = standalone.items[standalone.at];
  const what = standalone.areEntries
    ? { item: item?.id }
    : { tracks: standalone.items.map(({ media_id }) => media_id), start: standalone.at };
  const play = { op: "play", ...what, position_ms, on: client.device.id };
  const { id } = standalone;
  const { pendingCommands } = client;
  // They are sent after the `welcome`, with the other commands that wait. A pause keeps item and place there, too.
  const isAdded =
    pendingCommands.add(client, local_us, isOn ? id : twinOf(id), play, !isOn) &&
    (isOn || pendingCommands.add(client, local_us, id, { op: "pause" }, true));
  if (!isAdded) endStandalone(client, out);
}

/** The id of a second command. @param {string} id */
const twinOf = (id) => id.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));

/** The playback of the server holds again. @param {Client} client @param {Output[]} out */
export function endStandalone(client, out) {
  client.standalone = undefined;
  fallSilent(client, out);
}

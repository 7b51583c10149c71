/** The audio follows the playback that the server sends, and reports keep that playback true (R1, R3, R14). */

import { itemOf, placeAt, soundOf } from "./audio.js";
import { fallSilent, isAllowed, silentAt } from "./silence.js";
import { clampPlace, heardAt, positionAt, sameStamp, stampOf } from "./stamps.js";
import {
  dropPrepared,
  instantOfSwitch,
  keepPromise,
  mustKeepPromise,
  prepare,
  promise,
  promiseDue,
  soundsUntilSwitch,
} from "./transfer.js";

/** @import {Client} from "./client.js" */
/** @import {Item, Output, Playback, Report, Stamp} from "./types.js" */

/** Audio that is at most this far from the shown place needs neither a correction nor a report, in milliseconds. */
const AGREES_MS = 40;
/** The time in which prepared audio starts, in milliseconds. */
const PROMPT_MS = 300;
/** An `ended` is sent again after this time if no playback shows that the server has it, in milliseconds. */
const SEND_AGAIN_MS = 1_000;

/**
 * Forgets an end that was reported under an earlier turn or lease than `playback` shows.
 * @param {Client} client @param {Playback} playback
 */
export function forgetOldEnd(client, playback) {
  const { ended } = client;
  if (ended && !(sameStamp(playback.turn, ended.turn) && sameStamp(playback.active?.lease, ended.lease))) {
    client.ended = undefined;
  }
}

/** @param {Client} client @param {number} local_us @param {Output[]} out */
export function obey(client, local_us, out) {
  const { playback, device } = client;
  const lease = client.lease();
  // What was started without the server plays on until the server has answered the command for it.
  if (!playback || !device.id || (client.standalone && lease)) return;
  if (lease) {
    promise(client, lease, playback, out);
    hold(client, local_us, lease, playback, out);
  } else if (!soundsUntilSwitch(client, local_us, playback)) {
    client.promise = undefined;
    fallSilent(client, out);
  }
  prepare(client, local_us, playback, out);
  follow(client, playback, out);
  const owed = playback.after.find((entry) => entry.device_id === device.id && entry.instance === device.instance);
  if (owed && client.isWelcomed()) {
    out.push({ type: "send", frame: { type: "yield", lease: owed.lease, seen: stampOf(playback) } });
  }
}

/**
 * What the holder of the lease does about a playback.
 * @param {Client} client @param {number} local_us @param {Stamp} lease @param {Playback} playback @param {Output[]} out
 */
function hold(client, local_us, lease, playback, out) {
  if (mustKeepPromise(client, local_us)) {
    keepPromise(client, local_us, out);
    reportIfShownWrong(client, local_us, playback, out);
    return;
  }
  const isEarly = soundsFrom(client, playback) > client.time.at(local_us);
  if (client.ended) {
    const { ended } = client;
    sendEnded(client, local_us, out);
    if (isEarly || playback.after.length > 0 || !isAllowed(client, local_us)) {
      fallSilent(client, out);
      client.ended = ended;
    }
    return;
  }
  const { intent, item, turn } = playback;
  const isNew = !(client.carried && sameStamp(client.carried.lease, lease) && sameStamp(client.carried.turn, turn));
  const wasPrepared = client.prepared?.loaded === true;
  const maySound = playback.after.length === 0 && isAllowed(client, local_us) && !client.pendingCommands.wantsSilence();
  if (intent === "play" && item && maySound) {
    // The audio will be armed for the switch; until then only the server knows the right place.
    if (isEarly && client.audio.kind === "sounding") {
      fallSilent(client, out);
      reportIfShownWrong(client, local_us, playback, out);
    }
    const { audio } = client;
    const hasOtherSwitch = audio.kind === "armed" && audio.switch_us !== playback.active?.from_us;
    const needsSound = isNew || hasOtherSwitch || audio.kind === "silent" || audio.kind === "held";
    client.carried = { lease, turn };
    if (needsSound) goTo(client, local_us, item, playback, out);
  } else {
    if (intent !== "play" || !item) {
      client.carried = { lease, turn };
      dropPrepared(client, out);
    }
    fallSilent(client, out);
  }
  if (client.audio.kind === "armed") return;
  if (wasPrepared && !client.prepared && client.audio.kind === "loading") {
    // Prepared audio starts within `PROMPT_MS`; if it does not, that is reported then.
    client.report_due_us = local_us + PROMPT_MS * 1000;
    return;
  }
  reportIfShownWrong(client, local_us, playback, out);
}

/** The earliest time at which the holder may play, in server time. @param {Client} client @param {Playback} playback */
function soundsFrom(client, playback) {
  return (playback.active?.from_us ?? -Infinity) + client.time.caution_us();
}

/**
 * Brings the audio to the shown place, unless it is there. Before the instant of a switch the audio is armed: it starts
 * by the audio clock, not by a timer.
 * @param {Client} client @param {number} local_us @param {Item} item @param {Playback} playback @param {Output[]} out
 */
function goTo(client, local_us, item, playback, out) {
  const now_us = client.time.at(local_us);
  const from_us = soundsFrom(client, playback);
  const position_ms = positionAt(playback, Math.min(now_us, instantOfSwitch(playback) ?? now_us));
  const { audio } = client;
  const { rate } = playback;
  client.prepared = undefined;
  if (from_us > now_us) {
    const start_ms = positionAt(playback, instantOfSwitch(playback) ?? from_us);
    client.audio = { kind: "armed", item, position_ms: start_ms, switch_us: playback.active?.from_us };
    client.report_due_us = client.time.local(from_us, local_us) + PROMPT_MS * 1000;
    out.push({ type: "sound", item, position_ms: start_ms, from_us, rate });
    return;
  }
  const place_ms = placeAt(audio, local_us);
  const isClose = place_ms !== undefined && Math.abs(place_ms - position_ms) <= AGREES_MS;
  const isSame = itemOf(audio)?.id === item.id && isClose;
  const isThere =
    isSame && ((audio.kind === "loading" && !audio.blocked) || (audio.kind === "sounding" && audio.rate === rate));
  if (!isThere) {
    client.audio = { kind: "loading", item, position_ms, blocked: false };
    client.follows = undefined;
    out.push({ type: "sound", item, position_ms, rate });
  }
}

/**
 * Tells the audio which item follows when the current one ends, so that there is no gap.
 * @param {Client} client @param {Playback} playback @param {Output[]} out
 */
export function follow(client, playback, out) {
  const item = itemOf(client.audio);
  if (!item || client.standalone || (client.ended && client.isWelcomed())) return;
  const next = nextOf(client, item, playback);
  const key = `${item.id}>${next?.id ?? ""}`;
  if (client.follows !== key) {
    client.follows = key;
    out.push({ type: "follow", item: next });
  }
}

/**
 * The item after `item`: the server names it for the item of the playback; for items that the audio has reached by
 * itself, the known part of the queue does.
 * @param {Client} client @param {Item} item @param {Playback} playback @returns {Item | undefined}
 */
function nextOf({ ahead }, item, playback) {
  if (item.id === playback.item?.id) return playback.next;
  if (playback.repeat === "one") return item;
  const at = ahead.findIndex((entry) => entry.id === item.id);
  if (at < 0) return undefined;
  return ahead[at + 1] ?? (playback.repeat === "all" && ahead.length === playback.queue_length ? ahead[0] : undefined);
}

/**
 * Without the server: what is heard here, if that is not what the session shows.
 * @param {Client} client @returns {Playback | undefined}
 */
export function heardAlone(client) {
  const { audio, playback, silenced, time } = client;
  if (client.isWelcomed() || !playback || !client.lease()) return undefined;
  const item = itemOf(audio);
  if (audio.kind !== "silent" && item && item.id !== playback.item?.id) {
    const at_us = audio.kind === "sounding" ? time.at(audio.since_us) : playback.at_us;
    const position_ms = "position_ms" in audio ? audio.position_ms : 0;
    return { ...playback, item, next: nextOf(client, item, playback), status: soundOf(audio), position_ms, at_us };
  }
  if (item || !silenced || playback.intent !== "play") return undefined;
  return { ...playback, ...silenced, next: nextOf(client, silenced.item, playback), intent: "pause", status: "paused" };
}

/** @param {Client} client @param {number} local_us @param {boolean} blocked @param {Output[]} out */
export function interrupted(client, local_us, blocked, out) {
  const position_ms = client.placeAt(local_us);
  const item = itemOf(client.audio);
  if (item && position_ms !== undefined && client.audio.kind !== "held") {
    client.audio = { kind: "loading", item, position_ms, blocked };
    report(client, local_us, out);
  }
}

/**
 * A better clock may show that an earlier report was wrong.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function reportIfClockWasWrong(client, local_us, out) {
  const isSounding = client.audio.kind === "sounding" && client.lease() && !client.ended;
  if (isSounding && client.playback) reportIfShownWrong(client, local_us, client.playback, out);
}

/**
 * Reports the audio if the playback does not show it correctly.
 * @param {Client} client @param {number} local_us @param {Playback} playback @param {Output[]} out
 */
function reportIfShownWrong(client, local_us, playback, out) {
  if (playback.intent === "stop") return;
  const now_us = client.time.at(local_us);
  const status = soundOf(client.audio);
  const place_ms = placeAt(client.audio, local_us);
  const apart_ms = place_ms === undefined ? 0 : Math.abs(place_ms - heardAt(playback, now_us));
  const isSettled = ["ended", "idle", "failed"].includes(playback.status);
  const waits = status === "buffering" && playback.status === "starting";
  if (!isSettled && !waits && (playback.status !== status || apart_ms > AGREES_MS)) report(client, local_us, out);
}

/**
 * Reports the audio, under the lease and turn that it plays under.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function report(client, local_us, out) {
  const { playback, carried, audio } = client;
  client.report_due_us = undefined;
  if (!playback?.item || !carried || !client.isWelcomed() || client.ended || client.standalone) return;
  // Before the first probe is answered the server's time is unknown.
  if (client.time.bound_us() === undefined) return;
  if (!sameStamp(client.lease(), carried.lease) || !sameStamp(playback.turn, carried.turn)) return;
  const at_us = client.time.at(local_us);
  const position_ms = placeAt(audio, local_us) ?? positionAt(playback, at_us);
  const { lease, turn } = carried;
  const status = soundOf(audio);
  const said = { lease, turn, item: playback.item.id, position_ms, at_us, status, seen: stampOf(playback) };
  out.push({ type: "send", frame: { type: "report", ...said } });
  // The server does not send what this changes; if it refuses the report it sends what stands.
  if (status !== "failed" && !agrees(said, playback)) {
    client.playback = withReport(playback, said);
    out.push({ type: "show" });
  }
}

/**
 * Whether a report is what is shown, and so changes nothing.
 * @param {Report} said @param {Playback} playback
 */
function agrees({ status, position_ms, at_us }, playback) {
  const apart_ms = Math.abs(clampPlace(playback, position_ms) - positionAt(playback, at_us));
  return status === playback.status && apart_ms <= AGREES_MS && at_us >= playback.at_us;
}

/**
 * What is shown once a report is accepted, under the stamp from before.
 * @param {Playback} playback @param {Report} said @returns {Playback}
 */
function withReport(playback, { item, status, position_ms, at_us }) {
  const shown = { ...playback, status, position_ms: clampPlace(playback, position_ms), at_us };
  delete shown.by;
  if (status === "playing" && shown.unplayable?.item === item) delete shown.unplayable;
  return shown;
}

/**
 * The item ended: the next one follows without a gap, even if the server cannot be told now.
 * @param {Client} client @param {number} local_us
 * @param {number} since_us when the audio ended, or began the next item, in local time
 * @param {boolean} went_on whether the audio has begun the item that it was told to follow with @param {Output[]} out
 */
export function finished(client, local_us, since_us, went_on, out) {
  const { playback, carried } = client;
  const item = itemOf(client.audio);
  if (!item || !playback) return;
  if (!client.lease()) {
    fallSilent(client, out);
    return;
  }
  if (!carried || !playback.item) return;
  const next = nextOf(client, item, playback);
  const end_ms = placeAt(client.audio, local_us) ?? 0;
  const first = client.ended?.item ?? item.id;
  const hasGoneOn = first !== item.id;
  client.follows = undefined;
  if (next && went_on) {
    client.audio = { kind: "sounding", item: next, position_ms: 0, since_us, rate: playback.rate };
  } else if (next) {
    client.audio = { kind: "loading", item: next, position_ms: 0, blocked: false };
    out.push({ type: "sound", item: next, position_ms: 0, rate: playback.rate });
  } else {
    client.silenced = { item, position_ms: end_ms };
    client.audio = { kind: "silent" };
    out.push({ type: "silence" });
  }
  const to_item = next?.id ?? (hasGoneOn ? item.id : undefined);
  const position_ms = next ? 0 : end_ms;
  client.ended = { type: "ended", ...carried, item: first, to_item, position_ms, at_us: client.time.at(local_us) };
  client.ended_due_us = local_us;
  sendEnded(client, local_us, out);
  if (!client.isWelcomed()) follow(client, playback, out);
  out.push({ type: "show" });
}

/**
 * Sends an `ended`, with the place that the audio has reached since; again each second until a playback shows that the
 * server has it.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
function sendEnded(client, local_us, out) {
  const { ended } = client;
  if (!ended || !client.isWelcomed() || client.ended_due_us > local_us) return;
  client.ended_due_us = local_us + SEND_AGAIN_MS * 1000;
  const at_us = client.time.at(local_us);
  const position_ms = ended.to_item === undefined ? undefined : placeAt(client.audio, local_us);
  out.push({ type: "send", frame: position_ms === undefined ? ended : { ...ended, position_ms, at_us } });
}

/** @param {Client} client @param {number} local_us */
export function deadlineOfAudio(client, local_us) {
  const isUp = client.isWelcomed();
  const report_due_us = (isUp ? client.report_due_us : undefined) ?? Infinity;
  const ended_due_us = isUp && client.ended ? client.ended_due_us : Infinity;
  return Math.min(report_due_us, ended_due_us, silentAt(client), promiseDue(client, local_us));
}

/**
 * Does what is due at `local_us`: sends an `ended` again, becomes silent, reports.
 * @param {Client} client @param {number} local_us @param {Output[]} out
 */
export function tickAudio(client, local_us, out) {
  sendEnded(client, local_us, out);
  if (silentAt(client) <= local_us) {
    const item = itemOf(client.audio);
    if (item) client.silenced = { item, position_ms: placeAt(client.audio, local_us) ?? 0 };
    fallSilent(client, out);
    out.push({ type: "show" });
  }
  if (promiseDue(client, local_us) <= local_us) obey(client, local_us, out);
  if (client.report_due_us !== undefined && client.report_due_us <= local_us) {
    const { audio } = client;
    if (audio.kind === "armed")
      client.audio = { kind: "loading", item: audio.item, position_ms: audio.position_ms, blocked: false };
    report(client, local_us, out);
  }
}

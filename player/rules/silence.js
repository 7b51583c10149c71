/** When a device must be silent although the session wants music from it (R1), and how it becomes silent. */

/** @import {Client} from "./client.js" */
/** @import {Output} from "./types.js" */

/** Whether a device that is cut off may play no longer than its lease: strict mode. @param {Client} client */
export const isStrict = ({ limits }) => limits.audio_ms <= limits.lease_ms;

/**
 * In strict mode the lease lasts `lease_ms` from the newest time that the server sent. The client's clock
 * error bound is subtracted, so that the server need not know it. The end of the lease never moves back.
 * @param {Client} client @param {number} local_us
 */
export function renewLease(client, local_us) {
  const { link, limits, time } = client;
  const bound_us = time.boundAt(local_us);
  if (link.server_sent_us === undefined || bound_us === undefined) return;
  const allowed_us = time.local(link.server_sent_us + limits.lease_ms * 1000, local_us) - bound_us;
  link.allowed_us = Math.max(link.allowed_us, allowed_us);
}

/** Whether strict mode lets this device play at `local_us`. @param {Client} client @param {number} local_us */
export function isAllowed(client, local_us) {
  return !isStrict(client) || local_us < client.link.allowed_us;
}

/**
 * When a device that hears nothing from the server becomes silent, in local time; `Infinity` when it need not.
 * @param {Client} client
 */
export function silentAt(client) {
  const { audio, limits, link } = client;
  if (client.standalone) return Infinity;
  if (isStrict(client)) return ["sounding", "loading", "armed"].includes(audio.kind) ? link.allowed_us : Infinity;
  return audio.kind !== "silent" && !client.isWelcomed() ? link.contact_us + limits.audio_ms * 1000 : Infinity;
}

/** Stops the audio, and drops what was to be reported of it. @param {Client} client @param {Output[]} out */
export function fallSilent(client, out) {
  client.ended = undefined;
  client.report_due_us = undefined;
  client.follows = undefined;
  if (client.audio.kind !== "silent") {
    client.audio = { kind: "silent" };
    out.push({ type: "silence" });
  }
}

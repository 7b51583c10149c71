/**
 * A device without a loudspeaker: joins the session of a user, plays what a search finds by the clock, and prints it.
 * `node example.js http://127.0.0.1:8080 TOKEN WORDS`; Node.js 20 and 21 need the package `ws` beside this one.
 */

import { randomBytes } from "node:crypto";
import { Client } from "segue-client";

/** @import {Input, Item, Output} from "segue-client" */

const [server, token, words] = process.argv.slice(2);
if (!server || !token || !words) throw new Error("usage: node example.js SERVER TOKEN WORDS");
const Socket = globalThis.WebSocket ?? /** @type {any} */ ((await import("ws")).WebSocket);
const now_us = () => Math.round(performance.now() * 1000);
const newId = () => randomBytes(8).toString("hex");

const found = await fetch(`${server}/v1/search?type=track&limit=2&q=${encodeURIComponent(words)}`, {
  headers: { authorization: `Bearer ${token}` },
});
if (!found.ok) throw new Error(`the search failed: ${await found.text()}`);
const tracks = (await found.json()).tracks.items.map((/** @type {{id: string}} */ { id }) => id);
if (tracks.length === 0) throw new Error(`nothing was found for "${words}"`);

const device = { instance: newId(), name: "Example", kind: "other", plays: true, controls: true };
const client = new Client(device, token, now_us());
/** @type {WebSocket | undefined} */
let socket;
/** @type {NodeJS.Timeout | undefined} the next tick of the rules */
let tick;
/** @type {NodeJS.Timeout | undefined} the start or the end of the item that plays */
let audio;
let shown = "";

/** Passes what happens to the rules, and does what they ask for. @param {Input} input */
function handle(input) {
  for (const output of client.step(now_us(), Math.random(), input)) perform(output);
  clearTimeout(tick);
  const wait_ms = (client.nextDeadline(now_us()) - now_us()) / 1000;
  if (wait_ms < Infinity) tick = setTimeout(() => handle({ type: "tick" }), Math.max(0, Math.ceil(wait_ms)));
}

/** @param {Output} output */
function perform(output) {
  if (output.type === "connect") connect();
  else if (output.type === "disconnect") disconnect();
  else if (output.type === "send") socket?.send(JSON.stringify(output.frame));
  else if (output.type === "sound") play(output.item, output.position_ms, output.from_us);
  else if (output.type === "silence") clearTimeout(audio);
  else if (output.type === "answered" && output.refusal) throw new Error(`refused: ${output.refusal.message}`);
  else if (output.type === "give_up") throw new Error(`the server does not want this device back: ${output.reason}`);
  else if (output.type === "show") setImmediate(show);
  // Nothing has to be loaded here, so an item that is to be prepared is ready at once.
  else if (output.type === "prepare") setImmediate(() => handle({ type: "prepared", item: output.item }));
}

function connect() {
  const opened = new Socket(`${server.replace(/^http/, "ws")}/v1/sync`, "segue.sync.v1");
  socket = opened;
  opened.onopen = () => handle({ type: "opened" });
  opened.onmessage = (/** @type {MessageEvent} */ { data }) => handle({ type: "frame", frame: JSON.parse(data) });
  opened.onclose = (/** @type {CloseEvent} */ { code }) => socket === opened && handle({ type: "closed", code });
}

function disconnect() {
  const closing = socket;
  socket = undefined;
  closing?.close(3000);
}

/**
 * Starts at once, or at an instant of server time.
 * @param {Item} item @param {number} place_ms @param {number} [from_us]
 */
function play(item, place_ms, from_us) {
  clearTimeout(audio);
  const start_us = from_us === undefined ? now_us() : client.time.local(from_us, now_us());
  audio = setTimeout(
    () => {
      handle({ type: "started", item, position_ms: place_ms, since_us: now_us() });
      const left_ms = (item.duration_ms ?? 0) - place_ms;
      audio = setTimeout(() => handle({ type: "finished", since_us: now_us(), went_on: false }), left_ms);
    },
    (start_us - now_us()) / 1000,
  );
}

/** Prints the session when it has changed; asks it to play here once this device has joined; leaves at the end. */
function show() {
  const { playback } = client;
  if (!client.isWelcomed() || !playback) return;
  if (!shown) handle({ type: "command", id: newId(), op: { op: "play", tracks, on: client.device.id } });
  const place = ((client.positionAt(now_us()) ?? 0) / 1000).toFixed(1);
  const line = `${playback.status} ${playback.item?.media_id ?? "nothing"}`;
  if (line !== shown) console.log(`${line} at ${place} s`);
  shown = line;
  if (playback.status !== "ended") return;
  handle({ type: "leave", reason: "close" });
  disconnect();
}

handle({ type: "tick" });

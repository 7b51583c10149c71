/**
 * A device without a loudspeaker: plays tracks by the clock, prints what is shown, and leaves at Ctrl+C.
 * `node example.js http://127.0.0.1:4747 TOKEN TRACK_ID…`; Node.js 20 and 21 need the package `ws` beside this one.
 */
import { randomBytes } from "node:crypto";
import { Client } from "segue-client";

const [server, token, ...tracks] = process.argv.slice(2);
if (!server || !token) throw new Error("usage: node example.js SERVER TOKEN TRACK_ID…");
const Socket = globalThis.WebSocket ?? /** @type {any} */ ((await import("ws")).WebSocket);
const now_us = () => Math.round(performance.now() * 1000);
const newId = () => randomBytes(8).toString("hex");
const device = { instance: newId(), name: "Example", kind: "other", plays: true, controls: true };
const client = new Client(device, token, now_us());
/** @type {WebSocket | undefined} */ let socket;
/** @type {NodeJS.Timeout | undefined} the next tick of the rules */ let tick;
/** @type {NodeJS.Timeout | undefined} the start or the end of the item that plays */ let audio;

/** Passes what happens to the rules, and does what they ask for. @param {import("segue-client").Input} input */
function handle(input) {
  for (const output of client.step(now_us(), Math.random(), input)) perform(output);
  clearTimeout(tick);
  const wait_ms = Math.max(0, Math.ceil((client.nextDeadline(now_us()) - now_us()) / 1000));
  if (wait_ms < Infinity) tick = setTimeout(() => handle({ type: "tick" }), wait_ms);
}

/** @param {import("segue-client").Output} output */
function perform(output) {
  if (output.type === "connect") connect();
  else if (output.type === "disconnect") disconnect();
  else if (output.type === "send") socket?.send(JSON.stringify(output.frame));
  else if (output.type === "sound") play(output.item, output.position_ms, output.from_us);
  else if (output.type === "silence") clearTimeout(audio);
  else if (output.type === "prepare") setImmediate(() => handle({ type: "prepared", item: output.item }));
  else if (output.type === "show") console.log(client.playback?.status, client.playback?.item?.media_id);
  else if (output.type === "answered" && output.refusal) throw new Error(output.refusal.message);
  else if (output.type === "give_up") throw new Error(output.reason);
}

function connect() {
  const opened = (socket = new Socket(`${server.replace("http", "ws")}/v1/sync`, "segue.sync.v1"));
  opened.onopen = () => handle({ type: "opened" });
  opened.onmessage = (/** @type {MessageEvent} */ { data }) => handle({ type: "frame", frame: JSON.parse(data) });
  opened.onerror = () => {}; // The end of the socket is reported as well.
  opened.onclose = (/** @type {CloseEvent} */ { code }) => socket === opened && handle({ type: "closed", code });
}

function disconnect() {
  socket?.close(3000);
  socket = undefined;
}

/** @param {import("segue-client").Item} item @param {number} position_ms @param {number} [from_us] of server time */
function play(item, position_ms, from_us) {
  const wait_ms = from_us === undefined ? 0 : (client.time.local(from_us, now_us()) - now_us()) / 1000;
  const finished = () => handle({ type: "finished", since_us: now_us(), went_on: false });
  clearTimeout(audio);
  audio = setTimeout(() => {
    audio = setTimeout(finished, (item.duration_ms ?? 0) - position_ms);
    handle({ type: "started", item, position_ms, since_us: now_us() });
  }, wait_ms);
}

process.once("SIGINT", () => (handle({ type: "leave", reason: "close" }), disconnect()));
handle({ type: "command", id: newId(), op: { op: "play", tracks } });

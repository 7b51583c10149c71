/**
 * Sends the rows of frames.json by npm's `ws`: its handshake, then the bytes of the row on its connection; the library
 * reads the answers. `$URL` is the server, `$TOKEN` a login, `$AUTHORITY` the certificate to trust.
 */

import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { isDeepStrictEqual } from "node:util";
import WebSocket, { Receiver } from "ws";

/** The most milliseconds without an answer. */
const MOST_MS = 60_000;
/** Rows of at most so many bytes are also sent byte by byte. */
const SHORT = 2_000;
const FIELDS = {
  Host: "localhost",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
/** The answer to that key (RFC 6455, section 1.3). */
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const { URL: base, TOKEN: token, AUTHORITY: authority } = process.env;
const address = new URL(base);
const ca = address.protocol === "https:" ? readFileSync(authority) : undefined;
const device = { instance: "00000000000000b2", name: "Kitchen", plays: true, controls: true };
/** The first message of a device. */
const hello = () => JSON.stringify({ type: "hello", token, device });

/** The bytes of a request, or of a part of it. */
function head(piece) {
  const fields = Object.entries({ ...FIELDS, ...piece.head.fields }).filter(([, value]) => value !== null);
  const lines = [piece.head.line ?? "GET /v1/sync HTTP/1.1", ...fields.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`).subarray(piece.from ?? 0, piece.to);
}

/** The bytes of a frame. */
function frame(piece) {
  let payload = "hex" in piece ? Buffer.from(piece.hex, "hex") : Buffer.from(piece.text.replace("HELLO", hello()));
  payload = Buffer.concat([payload, Buffer.alloc(Math.max(0, (piece.pad ?? 0) - payload.length), " ")]);
  const mask = Buffer.from(piece.mask ?? "37fa213d", "hex");
  const bits = piece.bits ?? (payload.length < 126 ? 7 : payload.length < 65_536 ? 16 : 64);
  const marks = { 7: payload.length, 16: 126, 64: 127 }[bits] | (mask.length ? 0x80 : 0);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(payload.length));
  const masked = mask.length ? payload.map((byte, at) => byte ^ mask[at % 4]) : payload;
  const long = bits === 7 ? Buffer.alloc(0) : length.subarray(8 - bits / 8);
  const one = Buffer.concat([Buffer.from(piece.first, "hex"), Buffer.from([marks]), long, mask, masked]);
  return Buffer.concat(Array(piece.times ?? 1).fill(one));
}

/** The bytes of a piece of a row. */
function encode(piece) {
  if ("head" in piece) return head(piece);
  if ("first" in piece) return frame(piece);
  return "hex" in piece ? Buffer.from(piece.hex, "hex") : Buffer.from(piece.raw);
}

/**
 * What is sent: byte by byte, or as few packets as the row allows; `null` is the end of the sender's half, and a text
 * is an answer to wait for.
 */
function packets(row, isInBytes) {
  let sent = [Buffer.alloc(0)];
  for (const piece of row.send) {
    if (piece === "packet") sent.push(Buffer.alloc(0));
    else if (piece === "end") sent.push(null);
    else if (typeof piece === "string") sent.push(piece, Buffer.alloc(0));
    else sent.push(Buffer.concat([sent.pop(), encode(piece)]));
  }
  const parts = (some) => (Buffer.isBuffer(some) ? Array.from(some, (byte) => Buffer.from([byte])) : [some]);
  if (isInBytes) sent = sent.flatMap(parts);
  return sent;
}

/** Whether the connection ends in TLS without TLS's own end, so that the server need not answer. */
const mayBeCut = (row) => Boolean(ca) && row.send.includes("end");

/** A connection: the stream to read and write, and the one below TLS. */
function connect() {
  const below = net.connect({ host: address.hostname, port: address.port, noDelay: true, allowHalfOpen: true });
  const stream = ca ? tls.connect({ socket: below, servername: "localhost", ca }) : below;
  return { below, stream };
}

/** Writes these packets, each when the one before is sent; it ends early when the server closes. */
async function send({ below, stream }, packets, waitFor) {
  for (const some of packets) {
    if (!stream.writable) return;
    if (some === null) below.end();
    else if (typeof some === "string") await waitFor(some);
    else await new Promise((resolve) => stream.write(some, resolve));
  }
}

/** Notes what the library reads. */
function note(got, kind, payload) {
  if (kind === "pong") got.push(`pong ${payload.toString("latin1")}`);
  if (kind !== "message") return;
  const message = JSON.parse(payload);
  if (message.type === "time") got.push(`time ${message.client_us}`);
  if (message.type !== "welcome") return;
  got.push("welcome");
  // It stays one device in the list.
  device.id = message.device_id;
}

/** A row after the library's handshake. */
async function tried(row, sent, got) {
  const connection = connect();
  const socket = new WebSocket(`${base.replace("http", "ws")}/v1/sync`, {
    createConnection: () => connection.stream,
    // A pong in the middle of a frame would break it.
    autoPong: false,
  });
  const closed = new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", (code) => {
      got.push(`close ${code}`);
      resolve();
    });
  });
  socket.on("pong", (payload) => note(got, "pong", payload));
  const welcome = new Promise((resolve) => {
    socket.on("message", (payload) => {
      note(got, "message", payload);
      if (got[0] === "welcome") resolve(got.shift());
    });
  });
  socket.on("open", () => socket.send(hello()));
  await Promise.race([welcome, closed]);
  await send(connection, sent);
  await closed;
}

/** Reads the answer to a request that the library has not sent. Returns what came after it; `null`: no answer came. */
async function answer(stream, got) {
  let read = Buffer.alloc(0);
  while (!read.includes("\r\n\r\n")) {
    const some = stream.read();
    if (some) read = Buffer.concat([read, some]);
    else if (stream.readableEnded || stream.destroyed) {
      if (read.length) throw new Error(`half an answer: ${read}`);
      return null;
    } else await new Promise((resolve) => ["readable", "end", "close"].forEach((event) => stream.once(event, resolve)));
  }
  const end = read.indexOf("\r\n\r\n");
  const text = read.subarray(0, end).toString();
  got.push(text.split(" ")[1]);
  if (got[0] === "101") {
    const isTaken = /sec-websocket-(extensions|protocol)/i.test(text);
    if (!text.includes(ACCEPT) || isTaken) throw new Error(text);
  }
  return read.subarray(end + 4);
}

/** A row with a handshake of its own. */
async function triedHandshake(row, sent, got) {
  const connection = connect();
  const { stream } = connection;
  const errors = [];
  stream.on("error", (error) => errors.push(error));
  const receiver = new Receiver({ isServer: false });
  const waiting = new Map();
  receiver.on("message", (payload) => {
    note(got, "message", payload);
    waiting.get(got.at(-1))?.();
  });
  receiver.on("pong", (payload) => note(got, "pong", payload));
  receiver.on("conclude", (code) => got.push(`close ${code}`));
  receiver.on("error", (error) => errors.push(error));
  const reading = answer(stream, got).then((rest) => {
    if (got[0] === "101" && rest.length) receiver.write(rest);
    stream.on("data", (some) => got[0] === "101" && receiver.write(some));
  });
  await send(connection, sent, (what) => got.includes(what) || new Promise((resolve) => waiting.set(what, resolve)));
  await reading;
  if (!stream.readableEnded && !stream.destroyed) {
    await new Promise((resolve) => ["end", "close"].forEach((event) => stream.once(event, resolve)));
  }
  stream.destroy();
  connection.below.destroy();
  if (errors.length && got[0] === "101" && !mayBeCut(row)) throw errors[0];
}

/** What the server answers to a row. */
async function answers(row, sent) {
  const got = [];
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${got}`)), MOST_MS);
  });
  await Promise.race([late, (row.handshake ? triedHandshake : tried)(row, sent, got)]);
  clearTimeout(timer);
  return got;
}

const rows = JSON.parse(readFileSync(new URL("frames.json", import.meta.url)));
let [ran, wrong] = [0, 0];
for (const row of rows) {
  const size = packets(row, false).reduce((sum, some) => sum + (Buffer.isBuffer(some) ? some.length : 0), 0);
  for (const isInBytes of size <= SHORT && !row.once ? [false, true] : [false]) {
    ran += 1;
    const got = await answers(row, packets(row, isInBytes)).catch((error) => [String(error)]);
    const wanted = mayBeCut(row) ? row.gets.slice(0, got.length) : row.gets;
    if (!isDeepStrictEqual(got, wanted)) {
      wrong += 1;
      const how = isInBytes ? "byte by byte" : "at once";
      console.log(`${row.name} (${row.rfc}), ${how}: gets ${JSON.stringify(got)}, not ${JSON.stringify(row.gets)}`);
    }
  }
}
console.log(`npm ws: ${ran} runs of ${rows.length} rows, ${wrong} wrong`);
process.exitCode = wrong ? 1 : 0;

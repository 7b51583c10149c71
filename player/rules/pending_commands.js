/** Commands that wait for their answers. */

/** @import {Client} from "./client.js" */
/** @import {Command, Op, Output, Refusal} from "./types.js" */

/** Commands that may wait. */
const MOST = 16;
/**
 * A wish without an answer is not said again after so long: nobody means it any more, and the server remembers what it
 * applied for ten minutes only.
 */
const EXPIRES_MS = 5 * 60_000;
/** The longest that a server may ask to wait before a command is said again; what is to wait longer is refused. */
const LONGEST_RETRY_MS = 10_000;

/** What a newer wish of the same kind overtakes. */
const OF_THE_MUSIC = new Set(["play", "pause", "stop", "seek", "next", "previous"]);

export class PendingCommands {
  constructor() {
    /**
     * In order. `due_us`: when to say it again; `said`: how often it was on this socket without an answer; `whileAway`:
     * it was wished while nobody heard it.
     * @type {{command: Command, issued_us: number, due_us: number, copies: number, whileAway: boolean}[]}
     */
    this.waiting = [];
    /**
     * What was refused for now and has been said again: until that is answered no other one is, for many that all try
     * again keep each other out.
     * @type {string | undefined}
     */
    this.retrying = undefined;
  }

  /** @param {Client} client @param {number} local_us @param {string} id @param {Op} op @param {Output[]} out */
  issue(client, local_us, id, op, out) {
    const command = this.add(client, local_us, id, op);
    const message = "too many commands wait for an answer";
    if (!command) out.push({ type: "answered", id, refusal: { code: "busy", message } });
    else if (client.isWelcomed()) this.send(this.waiting[this.waiting.length - 1], out);
  }

  /**
   * A command that is said with the next `resendAll`; nothing when too many wait.
   * @param {Client} client @param {number} local_us @param {string} id @param {Op} op
   */
  add(client, local_us, id, op) {
    if (this.waiting.length >= MOST) return undefined;
    /** @type {Command} */
    const command = { type: "command", id, ...op };
    const current = client.playback?.item?.id;
    if ((op.op === "next" || op.op === "previous") && current) command.if_item = current;
    this.waiting.push({ command, issued_us: local_us, due_us: Infinity, copies: 0, whileAway: !client.isWelcomed() });
    return command;
  }

  /**
   * Whether a person wished for silence while nobody heard it, and for nothing else since: a device obeys that by
   * itself.
   */
  wantsSilence() {
    const last = this.waiting.findLast(({ command }) => ["play", "pause", "stop"].includes(command.op));
    return last !== undefined && last.whileAway && last.command.op !== "play";
  }

  /** Whether a command still waits. @param {string} id */
  has(id) {
    return this.waiting.some(({ command }) => command.id === id);
  }

  /** A command is not said again. @param {string} id */
  forget(id) {
    if (this.retrying === id) this.retrying = undefined;
    this.waiting = this.waiting.filter(({ command }) => command.id !== id);
  }

  /** What was wished of the music while nobody heard it is not meant any more. @param {Output[]} out */
  dropPlaybackCommands(out) {
    const overtaken = this.waiting.filter(({ command, whileAway }) => whileAway && OF_THE_MUSIC.has(command.op));
    for (const { command } of overtaken) this.answered(command.id, {}, out);
  }

  /**
   * Nobody knows whether what was not answered arrived; the server applies it once, however often it is said.
   * @param {number} local_us @param {Output[]} out
   */
  resendAll(local_us, out) {
    const expired = this.waiting.filter(({ issued_us }) => issued_us < local_us - EXPIRES_MS * 1000);
    const message = "there was no connection for too long; wish it again";
    for (const { command } of expired) this.answered(command.id, { refusal: { code: "unavailable", message } }, out);
    this.retrying = undefined;
    for (const entry of this.waiting) this.send(entry, out);
  }

  /** @param {PendingCommands["waiting"][number]} entry @param {Output[]} out */
  send(entry, out) {
    entry.due_us = Infinity;
    entry.copies += 1;
    out.push({ type: "send", frame: entry.command });
  }

  /** What was said on another socket is not answered on this one. */
  resetCopies() {
    for (const entry of this.waiting) entry.copies = 0;
  }

  /** @param {string} id @param {{revision?: number, refusal?: Refusal}} answer @param {Output[]} out */
  answered(id, answer, out) {
    if (!this.has(id)) return;
    this.forget(id);
    out.push({ type: "answered", id, ...answer });
  }

  /**
   * Refused; a server that says when to try again is asked again then. What was said twice may be refused once and then
   * be done: the last answer counts.
   * @param {number} local_us @param {Refusal & {id: string}} refusal @param {Output[]} out
   */
  refused(local_us, refusal, out) {
    const entry = this.waiting.find(({ command }) => command.id === refusal.id);
    if (entry) {
      entry.copies = Math.max(0, entry.copies - 1);
      if (entry.copies > 0) return;
    }
    if (this.retrying === refusal.id) this.retrying = undefined;
    const { retry_ms = 0 } = refusal;
    const isRecent = entry && entry.issued_us >= local_us - EXPIRES_MS * 1000;
    if (isRecent && retry_ms > 0 && retry_ms <= LONGEST_RETRY_MS) entry.due_us = local_us + retry_ms * 1000;
    else this.answered(refusal.id, { refusal }, out);
  }

  /** The first one that is to be said again. */
  due() {
    return this.waiting.find(({ due_us }) => due_us < Infinity);
  }

  /** When that is, in local time. */
  resendDue() {
    return (this.retrying === undefined && this.due()?.due_us) || Infinity;
  }

  /** @param {Client} client @param {number} local_us @param {Output[]} out */
  resendWhenDue(client, local_us, out) {
    const entry = this.due();
    if (!client.isWelcomed() || this.retrying !== undefined || !entry || entry.due_us > local_us) return;
    this.retrying = entry.command.id;
    this.send(entry, out);
  }
}

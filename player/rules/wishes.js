/** Commands that wait for their answers. */

/** @import {Client} from "./client.js" */
/** @import {Command, Op, Output, Refusal} from "../types.js" */

/** Commands that may wait. */
const MOST = 16;
/**
 * A wish without an answer is not said again after so long: nobody means it any more, and the server remembers what it
 * applied for ten minutes only.
 */
const MEANT_MS = 5 * 60_000;
/** The longest that a server may ask to wait before a command is said again; what is to wait longer is refused. */
const LONGEST_RETRY_MS = 10_000;

/** What a newer wish of the same kind overtakes. */
const OF_THE_MUSIC = new Set(["play", "pause", "stop", "seek", "next", "previous"]);

export class Wishes {
  constructor() {
    /**
     * In order. `due_us`: when to say it again; `said`: how often it was on this socket without an answer; `isAlone`:
     * it was wished while nobody heard it.
     * @type {{command: Command, wished_us: number, due_us: number, said: number, isAlone: boolean}[]}
     */
    this.waiting = [];
    /**
     * What was refused for now and has been said again: until that is answered no other one is, for many that all try
     * again keep each other out.
     * @type {string | undefined}
     */
    this.tries = undefined;
  }

  /** @param {Client} client @param {number} local_us @param {string} id @param {Op} op @param {Output[]} out */
  wish(client, local_us, id, op, out) {
    const command = this.add(client, local_us, id, op);
    const message = "too many commands wait for an answer";
    if (!command) out.push({ type: "answered", id, refusal: { code: "busy", message } });
    else if (client.isWelcomed()) this.say(this.waiting[this.waiting.length - 1], out);
  }

  /**
   * A command that is said with the next `askAgain`; nothing when too many wait.
   * @param {Client} client @param {number} local_us @param {string} id @param {Op} op
   */
  add(client, local_us, id, op) {
    if (this.waiting.length >= MOST) return undefined;
    /** @type {Command} */
    const command = { type: "command", id, ...op };
    const current = client.playback?.item?.id;
    if ((op.op === "next" || op.op === "previous") && current) command.if_item = current;
    this.waiting.push({ command, wished_us: local_us, due_us: Infinity, said: 0, isAlone: !client.isWelcomed() });
    return command;
  }

  /**
   * Whether a person wished for silence while nobody heard it, and for nothing else since: a device obeys that by
   * itself.
   */
  areForSilence() {
    const last = this.waiting.findLast(({ command }) => ["play", "pause", "stop"].includes(command.op));
    return last !== undefined && last.isAlone && last.command.op !== "play";
  }

  /** Whether a command still waits. @param {string} id */
  waits(id) {
    return this.waiting.some(({ command }) => command.id === id);
  }

  /** A command is not said again. @param {string} id */
  forget(id) {
    if (this.tries === id) this.tries = undefined;
    this.waiting = this.waiting.filter(({ command }) => command.id !== id);
  }

  /** What was wished of the music while nobody heard it is not meant any more. @param {Output[]} out */
  forgetPlayback(out) {
    const overtaken = this.waiting.filter(({ command, isAlone }) => isAlone && OF_THE_MUSIC.has(command.op));
    for (const { command } of overtaken) this.answered(command.id, {}, out);
  }

  /**
   * Nobody knows whether what was not answered arrived; the server applies it once, however often it is said.
   * @param {number} local_us @param {Output[]} out
   */
  askAgain(local_us, out) {
    const stale = this.waiting.filter(({ wished_us }) => wished_us < local_us - MEANT_MS * 1000);
    const message = "there was no connection for too long; wish it again";
    for (const { command } of stale) this.answered(command.id, { refusal: { code: "unavailable", message } }, out);
    this.tries = undefined;
    for (const entry of this.waiting) this.say(entry, out);
  }

  /** @param {Wishes["waiting"][number]} entry @param {Output[]} out */
  say(entry, out) {
    entry.due_us = Infinity;
    entry.said += 1;
    out.push({ type: "send", frame: entry.command });
  }

  /** What was said on another socket is not answered on this one. */
  beginToAsk() {
    for (const entry of this.waiting) entry.said = 0;
  }

  /** @param {string} id @param {{revision?: number, refusal?: Refusal}} answer @param {Output[]} out */
  answered(id, answer, out) {
    if (!this.waits(id)) return;
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
      entry.said = Math.max(0, entry.said - 1);
      if (entry.said > 0) return;
    }
    if (this.tries === refusal.id) this.tries = undefined;
    const { retry_ms = 0 } = refusal;
    const isMeant = entry && entry.wished_us >= local_us - MEANT_MS * 1000;
    if (isMeant && retry_ms > 0 && retry_ms <= LONGEST_RETRY_MS) entry.due_us = local_us + retry_ms * 1000;
    else this.answered(refusal.id, { refusal }, out);
  }

  /** The first one that is to be said again. */
  due() {
    return this.waiting.find(({ due_us }) => due_us < Infinity);
  }

  /** When that is, in local time. */
  deadline() {
    return (this.tries === undefined && this.due()?.due_us) || Infinity;
  }

  /** @param {Client} client @param {number} local_us @param {Output[]} out */
  tick(client, local_us, out) {
    const entry = this.due();
    if (!client.isWelcomed() || this.tries !== undefined || !entry || entry.due_us > local_us) return;
    this.tries = entry.command.id;
    this.say(entry, out);
  }
}

/** Commands that have no answer yet: sent again after a reconnect, and when the server asks for it. */

/** @import {Client} from "./client.js" */
/** @import {Command, Op, Output, Refusal} from "./types.js" */

/** The most commands that may wait for an answer. */
const MOST = 16;
/**
 * A command without an answer is not sent again after this time, in milliseconds: nobody expects it any more, and the
 * server remembers commands for ten minutes only.
 */
const EXPIRES_MS = 5 * 60_000;
/** The longest time after which a refused command is sent again at the server's request, in milliseconds. */
const LONGEST_RETRY_MS = 10_000;

/** Commands after which music is wanted, or is not. */
const ON_OR_OFF = new Set(["play", "play.list", "pause", "stop"]);
/** Commands that a newer one of these replaces. */
const ABOUT_MUSIC = new Set(["play", "play.list", "pause", "stop", "seek", "next", "previous"]);

export class PendingCommands {
  constructor() {
    /**
     * In the order of their issue. `due_us`: when to send it again, in local time; `copies`: how often it was sent on
     * this socket without an answer; `whileAway`: whether it counts as issued without a connection.
     * @type {{command: Command, issued_us: number, due_us: number, copies: number, whileAway: boolean}[]}
     */
    this.waiting = [];
    /**
     * The id of a command that was refused for now and has been sent again. Until it is answered no other refused
     * command is sent, because many that retry together would be refused again.
     * @type {string | undefined}
     */
    this.retrying = undefined;
  }

  /** @param {Client} client @param {number} local_us @param {string} id @param {Op} op @param {Output[]} out */
  issue(client, local_us, id, op, out) {
    const command = this.add(client, local_us, id, op);
    const message = "too many commands wait for an answer; try again when the server has answered";
    if (!command) out.push({ type: "answered", id, refusal: { code: "busy", message } });
    else if (client.isWelcomed()) this.send(this.waiting[this.waiting.length - 1], out);
  }

  /**
   * Adds a command that the next `resendAll` sends; `undefined` when too many wait.
   * @param {Client} client @param {number} local_us @param {string} id @param {Op} op
   * @param {boolean} [whileAway] whether it was issued without a connection
   */
  add(client, local_us, id, op, whileAway = !client.isWelcomed()) {
    if (this.waiting.length >= MOST) return undefined;
    /** @type {Command} */
    const command = { type: "command", id, ...op };
    const current = client.playback?.item?.id;
    if ((op.op === "next" || op.op === "previous") && current) command.if_item = current;
    this.waiting.push({ command, issued_us: local_us, due_us: Infinity, copies: 0, whileAway });
    return command;
  }

  /**
   * Whether a person asked for a pause or a stop without a connection, and for nothing else since: a device does that
   * by itself.
   */
  wantsSilence() {
    return this.lastSilence()?.whileAway === true;
  }

  /** The pause or stop that waits for an answer, if nothing else was asked for since. */
  lastSilence() {
    const last = this.waiting.findLast(({ command }) => ON_OR_OFF.has(command.op));
    return last && ["pause", "stop"].includes(last.command.op) ? last : undefined;
  }

  /** Whether no command about the music has been issued since this one. @param {string} id */
  isNewest(id) {
    return this.waiting.findLast(({ command }) => ABOUT_MUSIC.has(command.op))?.command.id === id;
  }

  /** Whether a command waits for its answer. @param {string} id */
  has(id) {
    return this.waiting.some(({ command }) => command.id === id);
  }

  /** A command is not sent again. @param {string} id */
  forget(id) {
    if (this.retrying === id) this.retrying = undefined;
    this.waiting = this.waiting.filter(({ command }) => command.id !== id);
  }

  /**
   * Drops the commands about the music that were issued without a connection: a newer one replaces them.
   * @param {Output[]} out
   */
  dropPlaybackCommands(out) {
    const overtaken = this.waiting.filter(({ command, whileAway }) => whileAway && ABOUT_MUSIC.has(command.op));
    for (const { command } of overtaken) this.answered(command.id, {}, out);
  }

  /**
   * Sends all commands: it is unknown which of them arrived. The server applies each once, however often it is sent.
   * @param {number} local_us @param {Output[]} out
   */
  resendAll(local_us, out) {
    const expired = this.waiting.filter(({ issued_us }) => issued_us < local_us - EXPIRES_MS * 1000);
    const message = "there was no connection for too long; try again";
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

  /** A new socket: answers to commands on the earlier one will not come. */
  resetCopies() {
    for (const entry of this.waiting) entry.copies = 0;
  }

  /**
   * @param {string} id @param {{revision?: number, queue_length?: number, refusal?: Refusal}} answer
   * @param {Output[]} out
   */
  answered(id, answer, out) {
    if (!this.has(id)) return;
    this.forget(id);
    out.push({ type: "answered", id, ...answer });
  }

  /**
   * A command was refused. It is sent again if the server says when. A command that was sent twice may be refused once
   * and then be done, so only the last answer counts.
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

  /** The first command that is to be sent again. */
  due() {
    return this.waiting.find(({ due_us }) => due_us < Infinity);
  }

  /** When a command is to be sent again, in local time. */
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

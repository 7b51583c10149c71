/** A client with a clock of its own, and the frames of a server. */

import { Client } from "../../../player/rules/client.js";

/** @import {Input, Item, Output, Playback} from "../../../player/rules/types.js" */

export const ME = { id: "00000000000000aa", instance: "00000000000000a1" };
export const OTHER = { id: "00000000000000bb", instance: "00000000000000b1" };
/** Server time less the client's time, in microseconds. */
export const OFFSET_US = 1_790_000_000_000_000;

/** @param {string} id @param {number} [duration_ms] @returns {Item} */
export const item = (id, duration_ms = 60_000) => ({ id, kind: "track", media_id: `media-${id}`, duration_ms });

export class World {
  constructor() {
    this.local_us = 1_000_000;
    this.revision = 10;
    this.client = new Client(
      { ...ME, name: "A", kind: "browser", plays: true, controls: true },
      "token",
      this.local_us,
    );
    /** @type {Playback} */
    this.playback = {
      epoch: 1,
      revision: this.revision,
      turn: [1, 10],
      intent: "stop",
      status: "idle",
      position_ms: 0,
      at_us: this.now(),
      rate: 1,
      after: [],
      repeat: "off",
      shuffle: false,
      queue_revision: 10,
      queue_length: 0,
    };
  }

  now() {
    return this.local_us + OFFSET_US;
  }

  /** @param {number} ms */
  pass(ms) {
    this.local_us += ms * 1000;
    return this;
  }

  /** @param {Input} input @param {number} [chance] */
  step(input, chance = 0.5) {
    return this.client.step(this.local_us, chance, input);
  }

  /** Lets time pass to the client's next deadline, and ticks. */
  toDeadline() {
    this.local_us = Math.max(this.local_us, Math.ceil(this.client.nextDeadline(this.local_us)));
    return this.step({ type: "tick" });
  }

  /** @param {Record<string, any>} frame */
  hear(frame) {
    return this.step({ type: "frame", frame: /** @type {any} */ (frame) });
  }

  welcome(clock_id = "c1", limits = {}) {
    this.step({ type: "tick" });
    this.step({ type: "opened" });
    const outputs = this.hear({
      type: "welcome",
      device_id: ME.id,
      now_us: this.now(),
      clock_id,
      jitter_ms: 1000,
      limits,
      playback: this.playback,
      devices: { epoch: 1, devices_revision: 1, devices: [] },
    });
    return [...outputs, ...this.probed()];
  }

  /** The server answers a probe at once. */
  probed() {
    return this.hear({ type: "time", client_us: this.local_us, received_us: this.now(), sent_us: this.now() });
  }

  /**
   * Changes the playback that is shown.
   * @param {Partial<Playback>} change @param {boolean} [turns] whether it is a new turn
   */
  show(change, turns = false) {
    this.revision += 1;
    const turn = turns ? /** @type {[number, number]} */ ([1, this.revision]) : this.playback.turn;
    this.playback = { ...this.playback, revision: this.revision, turn, ...change };
    return this.hear({ type: "playback", ...this.playback });
  }

  /**
   * The session plays `what` on this device, under a lease granted now.
   * @param {Item} what @param {Partial<Playback>} [more]
   */
  grant(what, more = {}) {
    const lease = /** @type {[number, number]} */ ([1, this.revision + 1]);
    const active = { device_id: ME.id, instance: ME.instance, lease };
    return this.show(
      { intent: "play", status: "starting", item: what, position_ms: 0, at_us: this.now(), active, ...more },
      true,
    );
  }

  /** The audio of the client has started. @param {Item} what @param {number} [position_ms] */
  started(what, position_ms = 0) {
    const outputs = this.step({ type: "started", item: what, position_ms, since_us: this.local_us });
    this.playback = { ...this.playback, status: "playing", position_ms, at_us: this.now() };
    return outputs;
  }
}

/** The outputs of one type. @param {Output[]} outputs @param {string} type */
export const of = (outputs, type) => /** @type {any[]} */ (outputs.filter((output) => output.type === type));

/** The frames of one type that are sent. @param {Output[]} outputs @param {string} type */
export const sent = (outputs, type) =>
  of(outputs, "send")
    .map((output) => output.frame)
    .filter((frame) => frame.type === type);

/** A decoded item: starts, stops and goes on to the next item at exact instants of the audio clock. */

import { Gate } from "./gate.js";

/** A source is released this long after its gate has closed, in seconds. */
const TAIL_S = 0.05;

export class BufferVoice {
  /**
   * @param {AudioContext} context @param {AudioNode} output @param {number} loudness @param {AudioBuffer} buffer
   * @param {() => void} onend called when the audio has ended, not when it was stopped
   */
  constructor(context, output, loudness, buffer, onend) {
    this.context = context;
    this.buffer = buffer;
    this.gate = new Gate(context, output, loudness);
    this.source = context.createBufferSource();
    this.source.buffer = buffer;
    this.source.connect(this.gate.node);
    this.source.onended = () => {
      if (!this.isStopped) onend();
    };
    this.isStopped = false;
    this.speed = 1;
    /** The place at an instant of the audio clock, both in seconds. */
    this.anchor = { context_s: 0, place_s: 0 };
  }

  /** @param {number} at_s @param {number} place_s @param {number} speed */
  start(at_s, place_s, speed) {
    const from_s = Math.max(at_s, this.context.currentTime);
    this.anchor = { context_s: from_s, place_s };
    this.speed = speed;
    this.source.playbackRate.value = speed;
    this.source.start(from_s, Math.min(place_s, this.buffer.duration));
    this.gate.open(from_s, place_s > 0);
    return from_s;
  }

  /** The place rendered at `context_s`, in seconds. @param {number} context_s */
  placeAt(context_s) {
    const run_s = Math.max(0, context_s - this.anchor.context_s) * this.speed;
    return Math.min(this.buffer.duration, this.anchor.place_s + run_s);
  }

  /** When its end is rendered, in seconds of the audio clock. */
  endsAt() {
    return this.anchor.context_s + (this.buffer.duration - this.anchor.place_s) / this.speed;
  }

  /** @param {number} speed */
  setSpeed(speed) {
    if (speed === this.speed) return;
    const now_s = this.context.currentTime;
    this.anchor = { context_s: now_s, place_s: this.placeAt(now_s) };
    this.speed = speed;
    this.source.playbackRate.setValueAtTime(speed, now_s);
  }

  /** Silent from `at_s` on; `Infinity` cancels that. @param {number} at_s */
  stopAt(at_s) {
    this.gate.close(at_s);
  }

  /** Stops and releases everything, as soon as possible. */
  drop() {
    if (this.isStopped) return;
    this.isStopped = true;
    const now_s = this.context.currentTime;
    this.gate.close(now_s);
    try {
      this.source.stop(now_s + TAIL_S);
    } catch {
      // The source was never started.
    }
    setTimeout(() => this.gate.drop(), TAIL_S * 4000);
  }
}

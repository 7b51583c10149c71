/** The volume envelope of a voice: opens and closes at instants of the audio clock, without a click. */

/** The length of the ramp that avoids clicks, in seconds. */
const RAMP_S = 0.004;

export class Gate {
  /** @param {AudioContext} context @param {AudioNode} output @param {number} loudness a factor */
  constructor(context, output, loudness) {
    this.context = context;
    this.loudness = loudness;
    this.node = context.createGain();
    this.node.gain.value = 0;
    this.node.connect(output);
    this.opened_s = Infinity;
    this.closes_s = Infinity;
    this.ramp_s = RAMP_S;
  }

  /** @param {number} at_s @param {boolean} softly with a ramp; an item that starts at its beginning needs none */
  open(at_s, softly = true) {
    this.opened_s = at_s;
    this.ramp_s = softly ? RAMP_S : 0;
    this.closes_s = Infinity;
    this.plan();
  }

  /** Silent from `at_s` on; `Infinity` cancels that. @param {number} at_s */
  close(at_s) {
    // A gate that is closed must not open again for the length of a ramp.
    if (this.closes_s <= this.context.currentTime && at_s < Infinity) return;
    this.closes_s = at_s;
    this.plan();
  }

  /** Schedules everything again, so that nothing of an earlier plan is left. */
  plan() {
    const now_s = this.context.currentTime;
    const { gain } = this.node;
    gain.cancelScheduledValues(0);
    const isOpen = this.opened_s + this.ramp_s <= now_s;
    gain.setValueAtTime(isOpen ? this.loudness : 0, now_s);
    if (!isOpen && this.opened_s < Infinity) {
      const from_s = Math.max(now_s, this.opened_s);
      gain.setValueAtTime(0, from_s);
      if (this.ramp_s > 0) gain.linearRampToValueAtTime(this.loudness, from_s + this.ramp_s);
      else gain.setValueAtTime(this.loudness, from_s);
    }
    if (this.closes_s < Infinity) {
      this.planEnd(now_s);
    }
  }

  /** @param {number} now_s */
  planEnd(now_s) {
    const { gain } = this.node;
    if (this.opened_s >= this.closes_s) {
      gain.cancelScheduledValues(0);
      gain.setValueAtTime(0, now_s);
      return;
    }
    const silent_s = Math.max(now_s + RAMP_S, this.closes_s);
    gain.setValueAtTime(this.loudness, silent_s - RAMP_S);
    gain.linearRampToValueAtTime(0, silent_s);
  }

  drop() {
    this.node.disconnect();
  }
}

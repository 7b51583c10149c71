/**
 * Runs in each page before the page's own scripts. It records the audio that the page sends to its output: one level
 * for each 128 samples (2.9 ms), with the instant at which it is heard. No code of the player takes part. Where there
 * are no audio worklets (plain HTTP from another machine), the last 186 ms are read often from an analyser instead, as
 * long as nothing was rendered meanwhile: the same blocks, a little less exact. It also records the ends of the ramps
 * that the page plans on the audio clock, where it becomes silent or starts to sound, with the instants for which they
 * are planned. A timer of 5 ms, in a thread of its own, shows when the machine was too busy to measure.
 */
export function probe() {
  /** The most blocks that are kept: 60 s. */
  const KEPT = 21_000;
  const worklet = `registerProcessor("level", class extends AudioWorkletProcessor {
    constructor() { super(); this.blocks = []; }
    process(inputs) {
      let peak = 0;
      for (const channel of inputs[0]) for (const sample of channel) peak = Math.max(peak, Math.abs(sample));
      this.blocks.push([currentTime, peak]);
      if (this.blocks.length >= 8) { this.port.postMessage(this.blocks); this.blocks = []; }
      return true;
    }
  })`;
  /** @type {any} */
  const page = window;
  page.heard = [];
  page.edges = [];
  /** When audio that is rendered at an instant of the audio clock is heard, in milliseconds of the wall clock. */
  let wallOf = (/** @type {number} */ _context_s) => NaN;
  const { connect } = AudioNode.prototype;
  const module = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
  const known = new WeakSet();
  // @ts-expect-error the overloads of connect are of no interest here
  AudioNode.prototype.connect = function (/** @type {any[]} */ ...to) {
    if (to[0] === this.context.destination && !known.has(this.context)) {
      known.add(this.context);
      const context = /** @type {AudioContext} */ (this.context);
      wallOf = (context_s) => {
        const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
        return performance.timeOrigin + performanceTime + (context_s - contextTime) * 1000;
      };
      /** @param {[number, number][]} blocks */
      const tell = (blocks) => {
        const late_ms = wallOf(0);
        for (const [context_s, peak] of blocks) page.heard.push([late_ms + context_s * 1000, peak, context_s * 1000]);
        if (page.heard.length > KEPT) page.heard.splice(0, page.heard.length - KEPT);
      };
      if (!context.audioWorklet) {
        look(context, this, tell);
      } else {
        void context.audioWorklet.addModule(module).then(() => {
          const level = new AudioWorkletNode(context, "level", { numberOfOutputs: 0 });
          /** @type {any} */ (connect).call(this, level);
          level.port.onmessage = ({ data }) => tell(data);
        });
      }
    }
    return connect.apply(this, /** @type {any} */ (to));
  };
  /** @param {AudioContext} context @param {AudioNode} node @param {(blocks: [number, number][]) => void} tell */
  function look(context, node, tell) {
    const analyser = new AnalyserNode(context, { fftSize: 8_192 });
    /** @type {any} */ (connect).call(node, analyser);
    const samples = new Float32Array(8_192);
    let known = 0;
    setInterval(() => {
      const now_s = context.currentTime;
      analyser.getFloatTimeDomainData(samples);
      if (context.currentTime !== now_s) return;
      const end = Math.round((now_s * context.sampleRate) / 128);
      /** @type {[number, number][]} */
      const blocks = [];
      for (known = Math.max(known, end - 64); known < end; known += 1) {
        const at = 8_192 - (end - known) * 128;
        blocks.push([
          (known * 128) / context.sampleRate,
          samples.subarray(at, at + 128).reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0),
        ]);
      }
      if (blocks.length > 0) tell(blocks);
    }, 20);
  }
  const witness = `let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      if (now - last > 15) postMessage([performance.timeOrigin + now, now - last - 5]);
      last = now;
    }, 5)`;
  page.late = [];
  new Worker(URL.createObjectURL(new Blob([witness], { type: "text/javascript" }))).onmessage = ({ data }) =>
    page.late.push(data);
  const { linearRampToValueAtTime } = AudioParam.prototype;
  AudioParam.prototype.linearRampToValueAtTime = function (level, at_s) {
    page.edges.push([wallOf(at_s), level]);
    return linearRampToValueAtTime.call(this, level, at_s);
  };
}

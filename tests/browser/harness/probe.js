/**
 * Goes into each page before its scripts: listens to what the page sends to its loudspeaker, one level for each 128
 * samples (2.9 ms), with the instant at which it is heard. Nothing of the player takes part in it. Beside it a timer of
 * 5 ms, in a thread of its own, witnesses when the machine was too busy for anything to be measured.
 */
export function probe() {
  /** Levels of so many blocks are kept: 60 s. */
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
  page.starts = [];
  const { connect } = AudioNode.prototype;
  const module = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
  const known = new WeakSet();
  // @ts-expect-error the overloads of connect are of no interest here
  AudioNode.prototype.connect = function (/** @type {any[]} */ ...to) {
    if (to[0] === this.context.destination && !known.has(this.context)) {
      known.add(this.context);
      const context = /** @type {AudioContext} */ (this.context);
      void context.audioWorklet?.addModule(module).then(() => {
        const level = new AudioWorkletNode(context, "level", { numberOfOutputs: 0 });
        /** @type {any} */ (connect).call(this, level);
        level.port.onmessage = ({ data }) => {
          const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
          for (const [context_s, peak] of data) {
            page.heard.push([performance.timeOrigin + performanceTime + (context_s - contextTime) * 1000, peak]);
          }
          if (page.heard.length > KEPT) page.heard.splice(0, page.heard.length - KEPT);
        };
      });
    }
    return connect.apply(this, /** @type {any} */ (to));
  };
  const witness = `let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      if (now - last > 15) postMessage([performance.timeOrigin + now, now - last - 5]);
      last = now;
    }, 5)`;
  page.late = [];
  new Worker(URL.createObjectURL(new Blob([witness], { type: "text/javascript" }))).onmessage = ({ data }) => page.late.push(data);
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when = 0, offset = 0) {
    page.starts.push({ when, offset });
    return start.call(this, when, offset);
  };
}

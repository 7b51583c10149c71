/**
 * Converts between this page's steady clock (`performance.now()`, in microseconds) and the clock of an audio context
 * (in seconds). What is rendered at `contextTime` is heard at `performanceTime`.
 */

/** This page's steady clock, in microseconds. */
export const localNow = () => Math.round(performance.now() * 1000);

/** @param {AudioContext} context */
function anchor(context) {
  const { contextTime, performanceTime } = context.getOutputTimestamp();
  if (contextTime && performanceTime) return { context_s: contextTime, local_ms: performanceTime };
  // Before the first sound there is no such pair: what is rendered now is heard after the output latency.
  return { context_s: context.currentTime, local_ms: performance.now() + (context.outputLatency || 0) * 1000 };
}

/**
 * When to render what is to be heard at `local_us`, in seconds of the audio clock.
 * @param {AudioContext} context @param {number} local_us
 */
export function contextTimeAt(context, local_us) {
  const { context_s, local_ms } = anchor(context);
  return context_s + (local_us / 1000 - local_ms) / 1000;
}

/**
 * When something that is rendered at `context_s` is heard, in microseconds of the steady clock.
 * @param {AudioContext} context @param {number} context_s
 */
export function localAt(context, context_s) {
  const known = anchor(context);
  return Math.round((known.local_ms + (context_s - known.context_s) * 1000) * 1000);
}

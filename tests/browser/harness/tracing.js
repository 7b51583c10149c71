/** How long a page's scripts run, by the browser's own tracing. */

/** The names of outermost trace events in which scripts run (Chrome DevTools, timeline model). */
const SCRIPTS = new Set([
  "EvaluateScript",
  "FunctionCall",
  "EventDispatch",
  "TimerFire",
  "FireAnimationFrame",
  "FireIdleCallback",
  "RunMicrotasks",
  "WebSocketReceive",
]);
const MARK = "input";

/**
 * Does one input after the other in the page, each until it resolves.
 * @param {import("playwright-core").Browser} browser @param {import("playwright-core").Page} page
 * @param {(() => Promise<unknown>)[]} inputs
 * @returns {Promise<number[]>} for each input, how long the page's thread ran scripts, in milliseconds of its own CPU
 * time
 */
export async function scripting_ms(browser, page, inputs) {
  const mark = () => page.evaluate((mark) => console.timeStamp(mark), MARK);
  await browser.startTracing(page, { categories: ["devtools.timeline"] });
  for (const input of inputs) {
    await mark();
    await input();
  }
  await mark();
  /** @type {any[]} */
  const events = JSON.parse((await browser.stopTracing()).toString("utf8")).traceEvents;
  const marks = events
    .filter(({ name, args }) => name === "TimeStamp" && args.data?.message === MARK)
    .sort((a, b) => a.ts - b.ts);
  const [{ pid, tid }] = marks;
  const scripts = events
    .filter((event) => event.pid === pid && event.tid === tid && event.ph === "X" && SCRIPTS.has(event.name))
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const spent_ms = inputs.map(() => 0);
  let ended_us = 0;
  for (const { ts, dur, tdur } of scripts) {
    // An event within another one is counted with it.
    if (ts < ended_us) continue;
    ended_us = ts + dur;
    const at = marks.findLastIndex((mark) => mark.ts <= ts);
    if (at >= 0 && at < inputs.length) spent_ms[at] += (tdur ?? dur) / 1000;
  }
  return spent_ms;
}

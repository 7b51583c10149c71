/** The progress of a scan, in words. */

import { count } from "../parts/text.js";

/** The interval of requests while a scan runs, in milliseconds. */
export const LOOK_MS = 700;

/** @param {any} scan */
export function scanText(scan) {
  if (scan.running) {
    const left = scan.eta_s == null ? "" : `, about ${count(scan.eta_s, "second")} left`;
    const files = Math.max(scan.expected, scan.seen).toLocaleString();
    return `Scanning: ${scan.done.toLocaleString()} of ${files} files${left}`;
  }
  if (!scan.finished_at) return "No scan has run yet.";
  const parts = [
    [scan.added, "new"],
    [scan.changed, "changed"],
    [scan.moved, "moved"],
    [scan.missing, "gone"],
  ];
  const news = parts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  return `Last scan: ${count(scan.done, "file")}, ${news.join(", ") || "nothing new"}`;
}

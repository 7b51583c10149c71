/** The service worker's near end: starts it, tells it how much to keep, asks what it has. */

import { store } from "./store.js";

const CACHE = "segue-media";

export function startWorker() {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("/sw.js").catch((error) => console.warn("no service worker:", error));
  const tell = () => void navigator.serviceWorker.ready.then(({ active }) => active?.postMessage({ keep_bytes: store.preferences.keep_mb * 1e6 }));
  store.watch(tell);
  tell();
}

/** What is kept. @returns {Promise<{tracks: number, bytes: number}>} */
export async function cached() {
  if (!("caches" in window)) return { tracks: 0, bytes: 0 };
  const cache = await caches.open(CACHE);
  const keys = await cache.keys();
  const sizes = await Promise.all(keys.map(async (key) => Number((await cache.match(key))?.headers.get("content-length") ?? 0)));
  return { tracks: keys.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
}

/** Which media objects are kept, by their path. @returns {Promise<Set<string>>} */
export async function keptPaths() {
  if (!("caches" in window)) return new Set();
  const cache = await caches.open(CACHE);
  return new Set((await cache.keys()).map(({ url }) => new URL(url).pathname));
}

/** Has the worker fetch what is not kept yet: it keeps what goes by as a whole. @param {string} address @param {AbortSignal} signal */
export async function keep(address, signal) {
  if (!navigator.serviceWorker?.controller || (await keptPaths()).has(new URL(address, location.href).pathname)) return;
  const response = await fetch(address, { signal });
  await response.body?.pipeTo(new WritableStream(), { signal });
}

export async function clearCache() {
  if ("caches" in window) await caches.delete(CACHE);
}

/** Whoever logs out leaves nothing of theirs behind. */
export async function forgetEverything() {
  if (!("caches" in window)) return;
  await Promise.all(["segue-media", "segue-answers"].map((name) => caches.delete(name)));
}

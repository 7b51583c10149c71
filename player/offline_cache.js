/**
 * The audio that is kept for offline playback. The service worker stores it; this module asks the worker to, and stores
 * which tracks it belongs to.
 */

import { outside, stored } from "./root.js";
import { store } from "./store.js";

const MEDIA = stored("segue-media");
/** The paths of kept audio, in the order of their last use. */
const USED = stored("segue-used");
/** The tracks of kept audio, by the path of the audio. */
const TRACKS = stored("segue-tracks");
/** The most tracks that are stored: more than fit into the largest limit. */
const MOST_KNOWN = 5_000;

/** @typedef {{path: string, bytes: number, track: any}} Kept a track whose audio is kept, and the size of the audio */

/** Whether audio can be kept: browsers have service workers for secure origins only. */
export const canKeep = () => "serviceWorker" in navigator && "caches" in window;

/** Starts the worker once the page is loaded: it loads all files of the player, which is not urgent. */
export function startWorker() {
  if (!canKeep()) return;
  const { serviceWorker } = navigator;
  const start = () =>
    void serviceWorker.register(outside("/sw.js")).catch((error) => console.warn("no service worker:", error));
  if (document.readyState === "complete") start();
  else addEventListener("load", start);
  /** @param {Record<string, unknown>} message */
  const say = (message) => void serviceWorker.ready.then(({ active }) => active?.postMessage(message));
  let told = NaN;
  const tell = () => {
    const { keep_mb } = store.preferences;
    if (keep_mb !== told) say({ keep_bytes: keep_mb * 1e6 });
    told = keep_mb;
  };
  store.watch(tell);
  tell();
}

/** The kept tracks, the last played first. @returns {Promise<Kept[]>} */
export async function kept() {
  if (!canKeep()) return [];
  const [media, tracks] = await Promise.all([MEDIA, TRACKS].map((name) => caches.open(name)));
  /** @type {string[]} */
  const used = (await (await (await caches.open(USED)).match("/"))?.json()) ?? [];
  const known = new Map(
    (await Promise.all((await tracks.matchAll()).map((response) => response.json()))).map(({ path, track }) => [
      path,
      track,
    ]),
  );
  // The address of an answer may be that of a CDN.
  const objects = await Promise.all(
    (await media.keys()).map(async (key) => ({
      path: new URL(key.url).pathname,
      bytes: Number((await media.match(key))?.headers.get("content-length") ?? 0),
    })),
  );
  const found = objects.flatMap((object) =>
    known.has(object.path) ? [{ ...object, track: known.get(object.path) }] : [],
  );
  return found.sort((a, b) => used.indexOf(b.path) - used.indexOf(a.path));
}

/** The paths of kept audio. @returns {Promise<Set<string>>} */
export async function keptPaths() {
  if (!canKeep()) return new Set();
  const cache = await caches.open(MEDIA);
  return new Set((await cache.keys()).map(({ url }) => new URL(url).pathname));
}

/**
 * Stores which track an address belongs to; the worker may keep what is loaded from there.
 * @param {string} address @param {any} track
 */
export async function remember(address, track) {
  if (!canKeep() || !navigator.serviceWorker.controller) return;
  const cache = await caches.open(TRACKS);
  const path = new URL(address, location.href).pathname;
  await cache.put(path, new Response(JSON.stringify({ path, track })));
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_KNOWN)).map((old) => cache.delete(old)));
}

/**
 * Loads the audio at an address, unless it is kept: the worker keeps what is loaded whole.
 * @param {string} address @param {AbortSignal} signal
 */
export async function keep(address, signal) {
  if (!navigator.serviceWorker?.controller || (await keptPaths()).has(new URL(address, location.href).pathname)) return;
  const response = await fetch(address, { signal });
  await response.body?.pipeTo(new WritableStream(), { signal });
}

/** @param {string} path of a track's audio */
export async function removeKept(path) {
  await Promise.all([MEDIA, TRACKS].map(async (name) => (await caches.open(name)).delete(path)));
}

export async function removeAllKept() {
  await Promise.all([MEDIA, TRACKS, USED].map((name) => caches.delete(name)));
}

/** Removes everything of the user who has logged out. */
export async function forgetEverything() {
  if (!canKeep()) return;
  await Promise.all([removeAllKept(), caches.delete(stored("segue-answers")), caches.delete(stored("segue-covers"))]);
}

/**
 * The service worker: keeps the page with its files, the last answers of the catalogue, covers, and audio that was
 * played or plays next, for use without the server. Audio, covers and the page's files never change under their
 * addresses; everything else is asked for first.
 */

/** The version of the player's files, which is part of their addresses. The server writes it. */
const VERSION = "";

/** The path that the worker controls, without a slash at the end: empty, or such as `/music`. */
const ROOT = new URL(".", location.href).pathname.replace(/\/$/, "");
/** The name of a cache; two servers below one origin do not share any. `root.js` names them in the same way. */
const stored = (name) => (ROOT ? `${name} ${ROOT}` : name);
/** The beginning of the names of the caches of pages, one for each version: a page and its files are of one version. */
const PAGES = "segue-page";
const PAGE = stored(`${PAGES}-${VERSION}`);
/** The files of the page, beside the page itself. */
const FILES = [
  ...["first.js", "later.js", "style.css", "icon.svg"].map((file) => `player/${VERSION}/${file}`),
  "player/manifest.webmanifest",
];
/** So many versions of the page are kept: a page that is open may load files of its own version. */
const VERSIONS = 2;
const ANSWERS = stored("segue-answers");
const COVERS = stored("segue-covers");
const MEDIA = stored("segue-media");
/** Stores how much audio is kept, because an idle worker is ended and loses its variables. */
const LIMIT = stored("segue-limit");
/** Stores the paths of kept audio, the last used at the end, so that a use does not write the audio again. */
const USED = stored("segue-used");
/** Pages that do not belong to the player. */
const OTHERS = /^\/(docs|openapi\.json|healthz|readyz)/;
/** The server is given up after this time when an older answer is kept, in milliseconds. */
const PATIENCE_MS = 4_000;
/** What a proxy answers when it does not reach the server (RFC 9110, section 15.6). */
const AWAY = [502, 503, 504];
/** The most answers, covers and files of the player that are kept. */
const MOST = { [ANSWERS]: 400, [COVERS]: 1_500, [PAGE]: 200 };
/** The largest audio object that is kept, in bytes. */
const LARGEST_BYTES = 400e6;

self.addEventListener("install", (event) => event.waitUntil(keepPage().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(forgetPages().then(() => self.clients.claim())));
self.addEventListener("message", (event) => {
  const { keep_bytes } = event.data ?? {};
  if (typeof keep_bytes === "number") event.waitUntil(setLimit(keep_bytes));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const path = within(url);
  if (request.method !== "GET" || path === undefined || OTHERS.test(path)) return;
  if (path.startsWith("/media/")) event.respondWith(media(event, request, url.pathname));
  else if (path.startsWith("/v1/covers/")) event.respondWith(keptFirst(event, COVERS, request));
  else if (path.startsWith("/v1/")) event.respondWith(answer(event, request, path));
  else if (request.mode === "navigate") event.respondWith(page(request));
  else if (path.startsWith(`/player/${VERSION}/`)) event.respondWith(fileOfPage(request));
  else if (path.startsWith("/player/")) event.respondWith(newest(event, PAGE, request, request.url));
});

/** The path of an address below that of the worker; `undefined` for addresses of others. */
function within(url) {
  const isOwn = url.origin === location.origin && url.pathname.startsWith(`${ROOT}/`);
  return isOwn ? url.pathname.slice(ROOT.length) : undefined;
}

/**
 * Answers of the catalogue that are kept. The progress of a scan and logins are not: they are valid for a moment only.
 */
function answer(event, request, path) {
  const isOfTheMoment = /^\/v1\/(auth|library|users|sync|search)/.test(path);
  return isOfTheMoment ? fetch(request) : newest(event, ANSWERS, request, request.url);
}

/** From the server, or its last answer if it is away. */
async function newest(event, name, request, key) {
  const cache = await caches.open(name);
  try {
    const response = await withPatience(request, await cache.match(key));
    if (response.ok) event.waitUntil(keep(cache, name, key, response.clone()));
    return response;
  } catch (error) {
    const kept = await cache.match(key);
    if (kept) return kept;
    throw error;
  }
}

/** Where an older answer is kept, the server is given up after a time, and when a proxy says that it is away. */
function withPatience(request, kept) {
  if (!kept) return fetch(request);
  const answered = fetch(request).then((response) => {
    if (AWAY.includes(response.status)) throw new Error("the server is away");
    return response;
  });
  const gone = new Promise((_, reject) =>
    setTimeout(() => reject(new Error("the server takes too long")), PATIENCE_MS),
  );
  return Promise.race([answered, gone]);
}

async function keptFirst(event, name, request) {
  const cache = await caches.open(name);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) event.waitUntil(keep(cache, name, request.url, response.clone()));
  return response;
}

async function keep(cache, name, key, response) {
  await cache.put(key, response);
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST[name])).map((old) => cache.delete(old)));
}

/** Keeps the page and all its files; fails when the server has another version already, whose worker does it then. */
async function keepPage() {
  const cache = await caches.open(PAGE);
  const response = await fetch("./", { cache: "no-cache" });
  const text = await response.clone().text();
  if (!response.ok || !text.includes(`player/${VERSION}/`)) throw new Error("the page is of another version");
  await cache.addAll(FILES);
  await cache.put("./", response);
}

/** Removes the oldest versions of the page. */
async function forgetPages() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PAGES) && stored(name.split(" ")[0]) === name);
  const old = names.filter((name) => name !== PAGE).slice(0, 1 - VERSIONS);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The page from the server, or the kept one if the server is away. */
async function page(request) {
  const kept = await (await caches.open(PAGE)).match("./");
  return withPatience(request, kept).catch((error) => kept ?? Promise.reject(error));
}

/** A file under an address that names its content. */
async function fileOfPage(request) {
  return (await caches.match(request.url)) ?? fetch(request);
}

async function setLimit(keep_bytes) {
  const cache = await caches.open(LIMIT);
  await cache.put("/", new Response(String(keep_bytes)));
  await trimMedia();
}

/** How much audio may be kept, in bytes; 0 until a page has said so. */
async function limit() {
  const cache = await caches.open(LIMIT);
  return Number((await (await cache.match("/"))?.text()) ?? 0);
}

/** The key of an audio object: its path. The rest of the address is a signature that changes. */
async function media(event, request, path) {
  const cache = await caches.open(MEDIA);
  const kept = await cache.match(path);
  const range = request.headers.get("range");
  if (kept) {
    event.waitUntil(use(path));
    return range ? part(kept, range) : kept;
  }
  const response = await fetch(request);
  const length = Number(response.headers.get("content-length") ?? Infinity);
  if (response.status === 200 && !range && length <= Math.min(LARGEST_BYTES, await limit())) {
    event.waitUntil(
      cache
        .put(path, response.clone())
        .then(() => use(path))
        .then(trimMedia, () => undefined),
    );
  }
  return response;
}

async function usedPaths() {
  const cache = await caches.open(USED);
  return (await (await cache.match("/"))?.json()) ?? [];
}

let turn = Promise.resolve();

/** One at a time: several ranges of an object are asked for at once. */
function use(path) {
  turn = turn
    .then(async () => {
      const paths = await usedPaths();
      if (paths.at(-1) === path) return;
      const cache = await caches.open(USED);
      const kept = new Set((await (await caches.open(MEDIA)).keys()).map(({ url }) => new URL(url).pathname));
      await cache.put(
        "/",
        new Response(JSON.stringify([...paths.filter((other) => other !== path && kept.has(other)), path])),
      );
    })
    .catch(() => undefined);
  return turn;
}

/** One range of a kept object (RFC 9110, section 14). */
async function part(kept, range) {
  const bytes = await kept.blob();
  const found = /^bytes=(\d*)-(\d*)$/.exec(range);
  if (!found || (found[1] === "" && found[2] === "")) return new Response(bytes, { headers: kept.headers });
  const from = found[1] === "" ? Math.max(0, bytes.size - Number(found[2])) : Number(found[1]);
  const to = found[1] === "" || found[2] === "" ? bytes.size - 1 : Math.min(Number(found[2]), bytes.size - 1);
  if (from > to) return new Response(null, { status: 416, headers: { "content-range": `bytes */${bytes.size}` } });
  const headers = new Headers(kept.headers);
  headers.set("content-range", `bytes ${from}-${to}/${bytes.size}`);
  headers.set("content-length", String(to - from + 1));
  return new Response(bytes.slice(from, to + 1), { status: 206, statusText: "Partial Content", headers });
}

/** Removes the least recently used audio first. Open pages are told that the kept audio has changed. */
async function trimMedia() {
  const keep_bytes = await limit();
  const cache = await caches.open(MEDIA);
  const used = await usedPaths();
  const at = ({ url }) => used.indexOf(new URL(url).pathname);
  let bytes = 0;
  for (const key of [...(await cache.keys())].sort((a, b) => at(b) - at(a))) {
    const kept = await cache.match(key);
    bytes += Number(kept?.headers.get("content-length") ?? 0);
    if (bytes > keep_bytes) await cache.delete(key);
  }
  for (const page of await self.clients.matchAll()) page.postMessage("kept");
}

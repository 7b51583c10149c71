/** A real browser, and pages of users who are logged in. */

import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { OTHER_MACHINE, fingerprint } from "./certificate.js";
import { probe } from "./probe.js";

/** @import {Browser, BrowserContextOptions, Page} from "playwright-core" */
/** @import {Server} from "./server.js" */

export const PROGRAM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** With `PLAYER=disk` pages get the player's files from its folder, so that a change needs no build. */
const FOLDER = process.env.PLAYER === "disk" ? fileURLToPath(new URL("../../../", import.meta.url)) : undefined;
/** @type {Record<string, string>} */
const TYPES = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};
/** In place of the files that the server joins. @type {Record<string, string>} */
const JOINED = {
  "first.js": 'import "../app.js";',
  "later.js": "",
  "style.css": ["base", "frame", "lists", "panels", "views"]
    .map((name) => `@import "../style/${name}.css";`)
    .join("\n"),
};
if (FOLDER) process.env.PW_EXPERIMENTAL_SERVICE_WORKER_NETWORK_EVENTS = "1";

/** A condition that is not true after this time has failed, in milliseconds. */
export const PATIENCE_MS = 30_000;

/**
 * How a page may reach the server: on the server's machine, or over plain HTTP from another one.
 * @type {["this machine" | "another machine", (server: Server) => string][]}
 */
export const ORIGINS = [
  ["this machine", (server) => server.url],
  ["another machine", (server) => `http://${OTHER_MACHINE}:${server.port}`],
];

/**
 * From another machine when the server speaks TLS.
 * @type {["another machine over HTTPS", (server: Server) => string]}
 */
export const SECURE = ["another machine over HTTPS", (server) => `https://${OTHER_MACHINE}:${server.port}`];

/** @param {"may sound" | "waits for a click"} [autoplay] @returns {Promise<Browser>} */
export function launch(autoplay = "may sound") {
  const policy = autoplay === "may sound" ? "no-user-gesture-required" : "document-user-activation-required";
  const trusted = `--ignore-certificate-errors-spki-list=${fingerprint()}`;
  return chromium.launch({
    executablePath: PROGRAM,
    args: [...FLAGS, trusted, `--autoplay-policy=${policy}`, `--host-resolver-rules=MAP ${OTHER_MACHINE} 127.0.0.1`],
  });
}

/** A new browser, without storage or cookies. @param {Browser} browser @param {BrowserContextOptions} [options] */
export async function stranger(browser, options = {}) {
  const context = await browser.newContext(options);
  if (FOLDER) {
    await context.route(/\/player\/.+$/, (route) => {
      const { pathname } = new URL(route.request().url());
      const [, named] = /^\/player\/[0-9a-f]{16}\/(.+)$/.exec(pathname) ?? [];
      const file = path.join(FOLDER, named ? `player/${named}` : pathname);
      const contentType = TYPES[path.extname(file)];
      if (named && named in JOINED) return route.fulfill({ body: JOINED[named], contentType });
      return existsSync(file) ? route.fulfill({ path: file, contentType }) : route.continue();
    });
  }
  return context;
}

/**
 * A page in a browser context of its own (cookies, storage, worker), logged in.
 * @param {Browser} browser @param {Server} server @param {string} name of the device
 * @param {BrowserContextOptions} [options]
 */
export async function open(browser, server, name, options = {}) {
  const opening = await opened(browser, server, name, options);
  await welcomed(opening.page);
  return opening;
}

/**
 * The same, without waiting for the connection.
 * @param {Browser} browser @param {Server} server @param {string} name @param {BrowserContextOptions} [options]
 */
export async function opened(browser, server, name, options = {}) {
  const context = await stranger(browser, { bypassCSP: true, serviceWorkers: "block", ...options });
  await context.addInitScript(probe);
  const page = await context.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error.stack)));
  await context.addInitScript(await loggedIn(server, name));
  await page.goto(options.baseURL ?? server.url);
  return { page, errors, context };
}

/** A script that logs a page in. @param {Server} server @param {string} name of the device */
export async function loggedIn(server, name) {
  const session = await server.session();
  return `if (location.protocol !== "about:" && !localStorage.getItem("segue.session")) {
    localStorage.setItem("segue.session", ${JSON.stringify(JSON.stringify(session))});
    localStorage.setItem("segue.preferences", ${JSON.stringify(JSON.stringify({ name }))});
  }`;
}

/** The modules that tests import in a page. */
const MODULES = ["api", "audio/moments", "catalogue", "offline_cache", "parts/toast", "routes", "session", "store"];

/**
 * Waits for the connection; the page has then what tests import, also while the server is away.
 * @param {Page} page
 */
export async function welcomed(page) {
  await page.waitForSelector("player-bar", { state: "attached" });
  await page.evaluate(async (modules) => {
    await Promise.all(modules.map((name) => import(new URL(`player/${name}.js`, document.baseURI).href)));
  }, MODULES);
  await holds(page, () =>
    import(new URL("player/session.js", document.baseURI).href).then(({ session }) => session.link === "up"),
  );
}

/**
 * Waits until a condition holds in the page. It may be asynchronous; `waitForFunction` takes a promise for true.
 * @template T @param {Page} page @param {(argument: T) => unknown} condition @param {T} [argument]
 */
export async function holds(page, condition, argument) {
  const give_up_ms = Date.now() + PATIENCE_MS;
  while (!(await page.evaluate(/** @type {any} */ (condition), argument))) {
    if (Date.now() > give_up_ms)
      throw new Error(`not so within ${PATIENCE_MS} ms: ${condition} of ${JSON.stringify(argument)}`);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
}

/**
 * What the page shows, at an instant of the server's time in microseconds and of the wall clock in milliseconds.
 * @param {Page} page
 */
export function shown(page) {
  return page.evaluate(async () => {
    const { session } = await import(/** @type {any} */ ("/player/session.js"));
    const { localNow } = await import(/** @type {any} */ ("/player/audio/moments.js"));
    const { client } = session.current;
    const local_us = localNow();
    const { playback } = client;
    return {
      at_us: client.time.at(local_us),
      wall_ms: performance.timeOrigin + local_us / 1000,
      place_ms: client.positionAt(local_us),
      status: playback.status,
      intent: playback.intent,
      media_id: playback.item?.media_id,
      active: playback.active?.device_id,
      own: client.device.id,
      audio: client.audio.kind,
      names: session.devices.map((/** @type {any} */ device) => device.name),
    };
  });
}

/** The devices that a page knows. @param {Page} page @returns {Promise<any[]>} */
export function devices(page) {
  return page.evaluate(() => import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.devices));
}

/** Waits until the page shows what is wanted. @param {Page} page @param {Record<string, any>} wanted */
export async function until(page, wanted) {
  const give_up_ms = Date.now() + PATIENCE_MS;
  for (;;) {
    const shown = await page.evaluate(async () => {
      const { session } = await import(new URL("player/session.js", document.baseURI).href);
      const { playback, active, ownId, link } = session;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      return {
        status: playback?.status,
        intent: playback?.intent,
        media_id: playback?.item?.media_id,
        isHere: active?.id === ownId,
        link,
        active: active?.name,
      };
    });
    if (Object.entries(wanted).every(([key, value]) => /** @type {any} */ (shown)[key] === value)) return;
    if (Date.now() > give_up_ms)
      throw new Error(`within ${PATIENCE_MS} ms ${JSON.stringify(shown)} did not become ${JSON.stringify(wanted)}`);
  }
}

/** @param {Page} page @param {Record<string, any>} op */
export function command(page, op) {
  return page.evaluate(async (op) => {
    const { session } = await import(new URL("player/session.js", document.baseURI).href);
    await session.current.command(op);
  }, op);
}

/**
 * The recorded levels since an instant: `[instant in ms of the wall clock, peak, instant in ms of the audio clock]` for
 * each block of 2.9 ms.
 * @param {Page} page @param {number} [since_ms] @returns {Promise<[number, number, number][]>}
 */
export function heard(page, since_ms = 0) {
  return page.evaluate(
    (since_ms) => /** @type {any} */ (window).heard.filter((/** @type {any} */ [at_ms]) => at_ms >= since_ms),
    since_ms,
  );
}

/**
 * What the page has planned since the last call: `[instant, 0 for silence or 1 for sound]`, in milliseconds of the wall
 * clock.
 * @param {Page} page
 * @returns {Promise<[number, number][]>}
 */
export function planned(page) {
  return page.evaluate(() => /** @type {any} */ (window).edges.splice(0));
}

/**
 * Waits until something is heard after an instant of the wall clock.
 * @param {Page} page @param {number} [since_ms] default: now
 */
export const sounds = (page, since_ms = Date.now()) =>
  holds(
    page,
    (since_ms) =>
      /** @type {any} */ (window).heard.some((/** @type {any} */ [at_ms, peak]) => at_ms > since_ms && peak > 0.1),
    since_ms,
  );

/** A timer that came later than this shows that the machine was busy, in milliseconds. */
const QUIET_MS = 20;

/**
 * Whether the machine ran all of the pages without delay since an instant: only then are milliseconds asserted.
 * @param {number} since_ms of the wall clock @param {...Page} pages
 */
export async function wasQuiet(since_ms, ...pages) {
  const late = await Promise.all(pages.map((page) => page.evaluate(() => /** @type {any} */ (window).late)));
  return late.flat().every(([at_ms, late_ms]) => at_ms < since_ms || late_ms <= QUIET_MS);
}

/**
 * With a larger error bound of a page's clock nothing is measured, in microseconds: two of them make the stated error.
 */
const SURE_US = 2_500;

/** Whether each page knows the server's time well enough to measure by it. @param {...Page} pages */
export async function knowTheTime(...pages) {
  const bounds_us = await Promise.all(
    pages.map((page) =>
      page.evaluate(() =>
        import(/** @type {any} */ ("/player/session.js")).then(
          ({ session }) => session.current?.client.time.bound_us() ?? Infinity,
        ),
      ),
    ),
  );
  return bounds_us.every((bound_us) => bound_us <= SURE_US);
}

/** Waits until they do, for a limited time: on a busy machine that takes some more probes. @param {...Page} pages */
export async function learnTheTime(...pages) {
  const until_ms = Date.now() + 20_000;
  while (!(await knowTheTime(...pages)) && Date.now() < until_ms) await pages[0].waitForTimeout(250);
}

/** −60 dBFS. */
const AUDIBLE = 0.001;

/** The blocks that are audible. @param {[number, number, number][]} blocks */
export const audible = (blocks) => blocks.filter(([, peak]) => peak > AUDIBLE);

/**
 * The stretches without sound between the first and the last sound, in milliseconds.
 * @param {[number, number, number][]} blocks
 */
export function gaps(blocks) {
  const loud = audible(blocks).map(([at_ms]) => at_ms);
  return loud
    .slice(1)
    .map((at_ms, index) => at_ms - loud[index])
    .filter((gap_ms) => gap_ms > 6);
}

/**
 * How long both are audible at the same time, in milliseconds.
 * @param {[number, number, number][]} a @param {[number, number, number][]} b
 */
export function overlap(a, b) {
  const loud = audible(b).map(([at_ms]) => at_ms);
  let both = 0;
  let next = 0;
  for (const [at_ms] of audible(a)) {
    while (next < loud.length && loud[next] < at_ms - 1.5) next += 1;
    if (next < loud.length && Math.abs(loud[next] - at_ms) <= 1.5) both += 2.9;
  }
  return both;
}

/** @param {number[]} values @param {number} share */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** Pages with a service worker, which keeps music and files. */

import { holds, open, welcomed } from "./browser.js";

/** @import {Browser, Page} from "playwright-core" */

/**
 * @param {Browser} browser @param {import("./server.js").Server} server @param {string} name the device's
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function keeping(browser, server, name, options = {}) {
  const opening = await open(browser, server, name, { serviceWorkers: "allow", ...options });
  const { page } = opening;
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.reload();
  await welcomed(page);
  await holds(page, () => navigator.serviceWorker.controller !== null);
  await isKept(page);
  return opening;
}

/** The page, and files of views that are loaded later. */
const FILES = [
  "/",
  ...[
    "app.js",
    "views/album.js",
    "views/settings.js",
    "views/admin.js",
    "views/offline.js",
    "parts/keeping.js",
    "parts/other_device.js",
  ].map((file) => `/player/${file}`),
];

/** Waits until the page can be opened without the server, with all its views. @param {Page} page */
export const isKept = (page) =>
  holds(
    page,
    async (files) => (await Promise.all(files.map((/** @type {string} */ file) => caches.match(file)))).every(Boolean),
    FILES,
  );

/** Waits until at least so many tracks are kept. @param {Page} page @param {number} least */
export const keeps = (page, least) =>
  holds(page, async (least) => (await (await caches.open("segue-media")).keys()).length >= least, least);

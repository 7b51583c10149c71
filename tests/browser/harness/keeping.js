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

/** Waits until the page can be opened without the server: it is kept after all its files. @param {Page} page */
export const isKept = (page) => holds(page, () => caches.match("./").then(Boolean));

/** Waits until at least so many tracks are kept. @param {Page} page @param {number} least */
export const keeps = (page, least) =>
  holds(page, async (least) => (await (await caches.open("segue-media")).keys()).length >= least, least);

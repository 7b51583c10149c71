/** Every view, with content. */

import { holds } from "./browser.js";

/** @import {Page} from "playwright-core" */

/**
 * Creates a playlist of these tracks and saves some of them.
 * @param {import("./server.js").Server} server @param {any[]} tracks @param {any} album
 * @returns {Promise<Record<string, string>>} the address of each view
 */
export async function furnish(server, tracks, album) {
  const token = await server.token();
  const playlist = await server.ask(token, "/me/playlists", {
    method: "POST",
    body: JSON.stringify({ name: "Sunday morning" }),
  });
  const uris = tracks.map(({ uri }) => uri);
  await server.ask(token, `/playlists/${playlist.id}/tracks`, { method: "POST", body: JSON.stringify({ uris }) });
  await server.ask(
    token,
    `/me/tracks?ids=${tracks
      .slice(2, 7)
      .map(({ id }) => id)
      .join()}`,
    { method: "PUT" },
  );
  return {
    home: "/",
    search: "/search?q=la",
    albums: "/albums",
    album: `/album/${album.id}`,
    artists: "/artists",
    artist: `/artist/${album.artists[0].id}`,
    tracks: "/tracks",
    saved: "/saved",
    playlists: "/playlists",
    playlist: `/playlist/${playlist.id}`,
    queue: "/queue",
    devices: "/devices",
    now: "/now",
    settings: "/settings",
    offline: "/offline",
  };
}

/** The views of a user who has played and created nothing yet. */
export const EMPTY = {
  queue: "/queue",
  now: "/now",
  saved: "/saved",
  playlists: "/playlists",
  offline: "/offline",
  search: "/search",
  nowhere: "/nowhere",
};

/** Shows another view, without loading the page again. @param {Page} page @param {string} address */
export const go = (page, address) =>
  page.evaluate(
    (address) => import(/** @type {any} */ ("/player/routes.js")).then(({ routes }) => routes.go(address)),
    address,
  );

/** Shows a view and waits until it and its covers are loaded. @param {Page} page @param {string} address */
export async function show(page, address) {
  await go(page, address);
  await holds(page, () => document.querySelector("main h1") && !document.querySelector("main .waiting"));
  await holds(page, () => !new URLSearchParams(location.search).get("q") || document.querySelector("view-search .row"));
  await holds(page, () =>
    [...document.querySelectorAll(".cover:has(img)")].every((cover) => {
      const { left, top, right, bottom } = cover.getBoundingClientRect();
      return cover.classList.contains("loaded") || left > innerWidth || top > innerHeight || right < 0 || bottom < 0;
    }),
  );
  await holds(page, () =>
    import(/** @type {any} */ ("/player/catalogue.js")).then(({ catalogue }) =>
      [...document.querySelectorAll(".row.track")].every((row) =>
        catalogue.saved.has(/** @type {any} */ (row).track?.id),
      ),
    ),
  );
}

/** The page takes the server for away. @param {Page} page */
export async function cutOff(page) {
  await page.context().setOffline(true);
  await page.evaluate(() =>
    import(/** @type {any} */ ("/player/session.js")).then(({ session }) => session.player.handle({ type: "closed" })),
  );
  await page.getByText("Offline. Music that is kept on this device still plays.").waitFor();
}

/** @param {Page} page @param {string} username @param {string} password */
export async function logIn(page, username, password) {
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.waitForSelector("player-bar", { state: "attached" });
}

/** Pictures of every view, to be looked at: `node pictures.js FOLDER`. */

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { launch, open, until, welcomed, wish } from "./harness/browser.js";
import { Server } from "./harness/server.js";

const [, , folder] = process.argv;
if (!folder) throw new Error("usage: node pictures.js FOLDER");
await mkdir(folder, { recursive: true });

const server = await Server.start();
const browser = await launch();
const token = await server.token();
const { items: tracks } = await server.ask(token, "/tracks?limit=12&offset=1");
const { albums } = await server.ask(token, "/search?q=five+small&type=album");
const album = albums.items[0];
const playlist = await server.ask(token, "/me/playlists", { method: "POST", body: JSON.stringify({ name: "Sunday morning" }) });
const uris = tracks.map((/** @type {any} */ track) => track.uri);
await server.ask(token, `/playlists/${playlist.id}/tracks`, { method: "POST", body: JSON.stringify({ uris }) });
await server.ask(token, `/me/tracks?ids=${tracks.slice(2, 7).map((/** @type {any} */ track) => track.id).join()}`, { method: "PUT" });

const views = {
  home: "/", search: "/search?q=la", albums: "/albums", album: `/album/${album.id}`, artists: "/artists", artist: `/artist/${album.artists[0].id}`,
  tracks: "/tracks", saved: "/saved", playlists: "/playlists", playlist: `/playlist/${playlist.id}`, queue: "/queue", devices: "/devices", now: "/now",
  settings: "/settings",
};
const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

const kitchen = await open(browser, server, "Kitchen");
for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
    const isPhone = size === "phone";
    const { page, context } = await open(browser, server, "Desk", { viewport, colorScheme, isMobile: isPhone, hasTouch: isPhone });
    /** @param {string} name */
    const picture = (name) => page.screenshot({ path: path.join(folder, `${name}-${size}-${colorScheme}.png`) });
    for (const [name, address] of Object.entries(views)) {
      await page.goto(server.url + address);
      await welcomed(page);
      await wish(page, { op: "play", tracks: tracks.map((/** @type {any} */ track) => track.id) });
      await until(page, { status: "playing" });
      await page.waitForLoadState("networkidle");
      await picture(name);
    }
    await page.locator("player-bar .where").click();
    await picture("panel");
    await page.keyboard.press("Escape");
    await page.goto(`${server.url}/settings`);
    await page.getByRole("button", { name: "Log in on another device" }).click();
    await page.locator("dialog .code").waitFor();
    await picture("code");
    await wish(page, { op: "stop" });
    await context.close();
    const fresh = await browser.newContext({ viewport, colorScheme });
    const stranger = await fresh.newPage();
    for (const [name, address] of Object.entries({ login: "/", setup: "/setup#secret" })) {
      await stranger.goto(server.url + address);
      await stranger.waitForSelector("view-login form");
      await stranger.screenshot({ path: path.join(folder, `${name}-${size}-${colorScheme}.png`) });
    }
    await fresh.close();
  }
}
await kitchen.context.close();
await browser.close();
await server.end();

/** Links to things: each can be copied, that of a track marks it, and an address of nothing says so. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { ORIGINS, holds, launch, open } from "./harness/browser.js";
import { Server } from "./harness/server.js";
import { furnish, go } from "./harness/views.js";

/** @type {Server} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;
/** @type {Record<string, string>} */ let views;
/** @type {any} */ let track;

before(async () => {
  server = await Server.start();
  const token = await server.token();
  const { items } = await server.ask(token, "/tracks?limit=50");
  // Not the first of its album, so that it has to be found.
  track = items.find((/** @type {any} */ item) => item.track_number > 1);
  views = await furnish(server, items.slice(0, 5), await server.ask(token, `/albums/${track.album.id}`));
  browser = await launch();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
  await browser?.close();
  await server?.end();
});

test("a link to a track shows its album, marks the track and gives it the focus", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await page.goto(`${server.url}/track/${track.id}`);
  const marked = page.locator(".row[data-marked]");
  await marked.waitFor();
  assert.equal(await marked.count(), 1);
  assert.equal(await marked.locator(".title").textContent(), track.name);
  await holds(page, () => document.activeElement?.closest("[data-marked]"));
  const colour = (/** @type {Element} */ row) => getComputedStyle(row).backgroundColor;
  await page.getByRole("heading", { level: 1 }).focus();
  assert.notEqual(
    await marked.evaluate(colour),
    await page.locator(".row.track:not([data-marked])").first().evaluate(colour),
  );
  assert.deepEqual(errors, []);
});

test("an album, an artist, a playlist and a track that do not exist have a heading and a title", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  for (const [kind, name] of [
    ["album", "Not found"],
    ["artist", "Not found"],
    ["playlist", "Not found"],
    ["track", "Track"],
  ]) {
    await go(page, `/${kind}/00000000000000ff`);
    await page.locator(`view-${kind} [role="alert"]`).waitFor();
    assert.deepEqual(await page.getByRole("heading", { level: 1 }).allTextContents(), [name], kind);
    assert.equal(await page.title(), `${name} · Segue`);
  }
  assert.deepEqual(errors, []);
});

for (const [origin, url] of ORIGINS) {
  test(`every album, artist, playlist and track can copy its link, from ${origin}`, async () => {
    const { page, errors, context } = await open(browser, server, "Desk", { baseURL: url(server) });
    if (origin === "this machine") await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    /** What was copied, as a person pastes it. */
    const pasted = async () => {
      await page.getByText("The link is copied.").last().waitFor();
      await page.evaluate(() => document.querySelectorAll(".toast").forEach((toast) => toast.remove()));
      return page
        .evaluate(async () => {
          const field = document.body.appendChild(document.createElement("textarea"));
          field.focus();
          return field.value;
        })
        .then(async () => {
          await page.keyboard.press("Control+V");
          const text = await page.evaluate(() => document.querySelector("textarea")?.value);
          await page.evaluate(() => document.querySelector("textarea")?.remove());
          return text;
        });
    };
    for (const view of ["album", "artist", "playlist"]) {
      await go(page, views[view]);
      await page
        .locator(`view-${view} .actions`)
        .getByRole("button", { name: /^More about/ })
        .click();
      await page.getByRole("menuitem", { name: "Copy link" }).click();
      assert.equal(await pasted(), url(server) + views[view]);
    }
    await go(page, views.album);
    await page
      .locator("view-album")
      .getByRole("button", { name: `More about ${track.name}` })
      .click();
    await page.getByRole("menuitem", { name: "Copy link" }).click();
    assert.equal(await pasted(), `${url(server)}/track/${track.id}`);
    assert.deepEqual(errors, []);
  });
}

test("the page of an album tells admins why it is one", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  await page.goto(`${server.url}${views.album}`);
  await page.locator(".hero").getByText("One album because its tracks have the title").waitFor();
  assert.deepEqual(errors, []);
});

test("an address that the server does not know shows the player, which says so", async () => {
  const { page, errors } = await open(browser, server, "Desk");
  for (const address of ["/no/such/page", "/album/none", "/albums/all"]) {
    const answer = await page.goto(server.url + address);
    assert.equal(answer?.status(), 404);
    await page.getByRole("heading", { name: "No page has this address." }).waitFor();
    await page.locator("main").getByRole("link", { name: "Home" }).click();
    await page.locator("view-home").waitFor();
  }
  assert.deepEqual(errors, []);
});

// The last one: the library is large from here on.
test("a link to a track far down a very long album shows and marks it", async () => {
  await server.addMany(1_000);
  const token = await server.token();
  const { items: albums } = await server.ask(token, "/albums?limit=50&sort=newest");
  const { id } = albums.find((/** @type {any} */ album) => album.total_tracks === 1_000);
  const { items } = await server.ask(token, `/albums/${id}/tracks?limit=1&offset=800`);
  const { page, errors } = await open(browser, server, "Desk");
  await page.goto(`${server.url}/track/${items[0].id}`);
  const marked = page.locator(".row[data-marked]");
  await marked.waitFor();
  assert.equal(await marked.locator(".title").textContent(), items[0].name);
  await holds(page, () => document.activeElement?.closest("[data-marked]"));
  await holds(page, () => {
    const { bottom = Infinity } = document.querySelector("[data-marked]")?.getBoundingClientRect() ?? {};
    return bottom <= (document.querySelector("main")?.getBoundingClientRect().bottom ?? 0);
  });
  assert.deepEqual(errors, []);
});

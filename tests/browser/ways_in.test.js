/**
 * The ways to log in: the set-up link of a new server, name and password, a code from another device. All under the
 * pages' own content security policy, which also holds for what people do afterwards.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { holds, launch, open, until, welcomed } from "./harness/browser.js";
import { isKept, keeps } from "./harness/keeping.js";
import { Server } from "./harness/server.js";
import { logIn } from "./harness/views.js";

/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** A page of a new browser, and the complaints of the browser about it. @param {string} address */
async function stranger(address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on(
    "console",
    (message) => message.text().includes("Content Security Policy") && complaints.push(message.text()),
  );
  await page.goto(address);
  return { page, context, complaints };
}

test("the set-up link creates the first account and logs in, and its secret leaves the address", async (t) => {
  const { link, end } = await Server.unused();
  t.after(end);
  const { page, context, complaints } = await stranger(link);
  await page.getByText("Create the first account").waitFor();
  await page.getByLabel("User name").fill("anna");
  await page.getByLabel("Password").fill("long enough");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.waitForSelector("player-bar", { state: "attached" });
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).hash, "/");
  await page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Users" }).waitFor();
  await context.close();
  const again = await stranger(link);
  await again.page.getByText("This set-up link works no more").waitFor();
  await again.page.getByRole("button", { name: "Log in" }).waitFor();
  assert.deepEqual([...complaints, ...again.complaints], []);
  await again.context.close();
});

test("a new server says that nobody has an account and where the link is", async (t) => {
  const { link, end } = await Server.unused();
  t.after(end);
  const { page, context, complaints } = await stranger(new URL("/", link).href);
  await page.getByText("Nobody has an account on this server yet.").waitFor();
  await page.getByText(new URL("/setup#", link).href).waitFor();
  await page.getByText("when it started, below “nobody has an account yet”").waitFor();
  assert.ok(!(await page.content()).includes(new URL(link).hash), "the secret itself is not told");
  assert.equal(await page.getByRole("button", { name: "Create an account" }).count(), 0);
  await page.goto(link);
  await page.getByText("Create the first account").waitFor();
  assert.equal(await page.getByText("Nobody has an account on this server yet.").count(), 0);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the set-up page takes the secret of the newest link, and says when a link has none", async (t) => {
  const { link, end } = await Server.unused();
  t.after(end);
  const { page, context, complaints } = await stranger(new URL("/setup", link).href);
  await page.getByText("This link is incomplete: copy all of it, with what follows the #.").waitFor();
  assert.equal(await page.getByLabel("User name").count(), 0);
  // A link that is pasted into the same tab changes only what follows the `#`.
  await page.goto(new URL("/setup#0123", link).href);
  await page.getByLabel("User name").fill("anna");
  await page.getByLabel("Password").fill("long enough");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.getByText("This set-up link is not the newest").waitFor();
  await page.goto(link);
  await page.locator(".status").filter({ hasText: /^$/ }).waitFor({ state: "attached" });
  await page.getByLabel("User name").fill("anna");
  await page.getByLabel("Password").fill("long enough");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.waitForSelector("player-bar", { state: "attached" });
  assert.deepEqual(complaints, []);
  await context.close();
});

test("where people may sign up the log-in has a form for it, elsewhere it has not", async (t) => {
  const [open, closed] = [await Server.start({ SEGUE_SIGN_UP: "true" }), await Server.start()];
  t.after(() => Promise.all([open.end(), closed.end()]));
  const { page, context, complaints } = await stranger(open.url);
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("User name").fill("demo");
  await page.getByLabel("Password").fill("long enough");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.locator(".status").getByText("name").waitFor();
  await page.getByLabel("User name").fill("anna");
  await page.getByRole("button", { name: "Create the account" }).click();
  await welcomed(page);
  const other = await stranger(closed.url);
  const ways = other.page.waitForResponse("**/v1/auth/ways");
  await other.page.reload();
  await (await ways).finished();
  await other.page.getByRole("button", { name: "Log in", exact: true }).waitFor();
  assert.equal(await other.page.getByRole("button", { name: "Create an account" }).count(), 0);
  assert.deepEqual([...complaints, ...other.complaints], []);
  await context.close();
  await other.context.close();
});

test("a code that one device shows logs another in, once", async (t) => {
  const server = await Server.start();
  t.after(() => server.end());
  const first = await open(browser, server, "Desk");
  await first.page.goto(`${server.url}/settings`);
  const shown = async (/** @type {import("playwright-core").Page} */ page) => {
    await page.getByRole("button", { name: "Log in on another device" }).click();
    await page.locator("dialog .code").waitFor();
    const side = await page
      .locator("dialog .qr")
      .evaluate((/** @type {HTMLImageElement} */ image) => image.decode().then(() => image.naturalWidth));
    assert.ok(side > 100, "the picture is there");
    return (await page.locator("dialog .code").textContent()) ?? "";
  };
  const code = await shown(first.page);
  const phone = await stranger(`${server.url}/login#${code}`);
  await phone.page.waitForSelector("player-bar", { state: "attached" });
  assert.equal(new URL(phone.page.url()).hash, "");

  const late = await stranger(server.url);
  await late.page.getByRole("button", { name: "Use a code from another device" }).click();
  await late.page.getByLabel("Code").fill(code);
  await late.page.getByRole("button", { name: "Log in", exact: true }).click();
  await late.page.getByText("This code is not valid").waitFor();
  await phone.page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
  await late.page.getByLabel("Code").fill(` ${(await shown(phone.page)).toLowerCase().replace("-", "")} `);
  await late.page.getByRole("button", { name: "Log in", exact: true }).click();
  await late.page.waitForSelector("player-bar", { state: "attached" });
  assert.deepEqual([...phone.complaints, ...late.complaints, ...first.errors], []);
});

test("under the pages' own policy music plays track after track, is kept, and plays without the server", async (t) => {
  const server = await Server.start();
  t.after(() => server.end());
  const tones = await server.addTones([
    { name: "First tone", seconds: 4 },
    { name: "Second tone", seconds: 60 },
  ]);
  const { page, context, complaints } = await stranger(server.url);
  await logIn(page, "demo", server.password);
  await welcomed(page);
  await isKept(page);
  // The worker keeps what the tests import, too, since it controls the page.
  await page.reload();
  await welcomed(page);
  const sounds = (/** @type {string} */ media_id) =>
    holds(
      page,
      (media_id) =>
        import(/** @type {any} */ ("/player/session.js")).then(({ session: { player } }) => {
          const { item, kind } = player.client.audio;
          return item?.media_id === media_id && kind === "sounding" && player.engine.context.state === "running";
        }),
      media_id,
    );
  await page.getByRole("navigation").getByRole("link", { name: "Search" }).click();
  await page.keyboard.type("tone");
  await page.getByRole("button", { name: "Play First tone" }).click();
  await sounds(tones[0].id);
  await sounds(tones[1].id);
  await until(page, { status: "playing", media_id: tones[1].id, isHere: true });
  await keeps(page, 2);
  await server.stop();
  await page.reload();
  await page.locator(".banner").getByRole("button", { name: "Kept music" }).click();
  await page.getByRole("button", { name: "Play Second tone" }).click();
  await sounds(tones[1].id);
  assert.deepEqual(complaints, []);
  await context.close();
});

/** The rules as a package: it is packed, its types hold, and its example plays against a server. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Server } from "./harness/server.js";

const run = promisify(execFile);
const RULES = fileURLToPath(new URL("../../player/rules/", import.meta.url));
const MODULES = fileURLToPath(new URL("node_modules/", import.meta.url));

/** @type {string} a program of somebody else, with the package installed */ let folder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "segue-package."));
  await run("npm", ["pack", "--pack-destination", folder], { cwd: RULES });
  const packed = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  assert.equal(packed.length, 1, `${packed}`);
  const installed = path.join(folder, "node_modules/segue-client");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", path.join(folder, packed[0]), "-C", installed, "--strip-components=1"]);
  await copyFile(path.join(RULES, "example.js"), path.join(folder, "example.js"));
  await writeFile(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await mkdir(path.join(folder, "node_modules/@types"));
  for (const name of ["ws", "@types/ws", "@types/node", "undici-types"]) {
    await symlink(path.join(MODULES, name), path.join(folder, "node_modules", name));
  }
});

after(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("the package holds the rules with their types, and no word of where it was made", async () => {
  const files = await readdir(path.join(folder, "node_modules/segue-client"), { recursive: true });
  const rules = (await readdir(RULES)).filter((name) => name.endsWith(".js"));
  assert.ok(rules.length > 10, `${rules.length} rules`);
  for (const name of [...rules, "README.md", "package.json"]) assert.ok(files.includes(name), name);
  for (const name of ["client", "index", "types"]) assert.ok(files.includes(`types/${name}.d.ts`), name);
  const { license, private: isPrivate } = JSON.parse(await readFile(path.join(RULES, "package.json"), "utf8"));
  assert.deepEqual([license, isPrivate], ["MIT OR Apache-2.0", true]);
  await assert.rejects(readdir(path.join(RULES, "types")), "the types are made for the package alone");
});

test("the example and a program in TypeScript agree with the types of the package", async () => {
  const check = async (/** @type {string} */ file, /** @type {string} */ text) => {
    if (text) await writeFile(path.join(folder, file), text);
    const options = ["--strict", "--noEmit", "--allowJs", "--checkJs", "--target", "es2023", "--module", "nodenext"];
    const tsc = path.join(MODULES, ".bin/tsc");
    const result = await run(tsc, [...options, "--types", "node", file], { cwd: folder }).catch((error) => error);
    return result.stdout;
  };
  assert.equal(await check("example.js", ""), "");
  const program = (/** @type {string} */ type) => `import { Client, type Input, type Output } from "segue-client";
    const device = { instance: "00000000000000a1", name: "A", kind: "other", plays: true, controls: true };
    const client: Client = new Client(device, "token", 0);
    const input: Input = { type: "${type}" };
    const outputs: Output[] = client.step(0, 0.5, input);
    export const frames = outputs.flatMap((output) => (output.type === "send" ? [output.frame] : []));
    export const place_ms: number | undefined = client.positionAt(frames.length);`;
  assert.equal(await check("right.ts", program("tick")), "");
  assert.match(await check("wrong.ts", program("tock")), /wrong\.ts.*"tock"/);
});

test("the example connects again, plays two tracks by the clock, and leaves", async (t) => {
  const server = await Server.start();
  t.after(() => server.end());
  const seconds = 2;
  const tones = await server.addTones([
    { name: "Example tone one", seconds },
    { name: "Example tone two", seconds },
  ]);
  const token = await server.token();
  // Its first connection ends at once.
  let connections = 0;
  const proxy = createServer((near) => {
    connections += 1;
    if (connections === 1) return void near.destroy();
    const far = connect(server.port, "127.0.0.1");
    near.on("error", () => far.destroy()).pipe(far);
    far.on("error", () => near.destroy()).pipe(near);
  });
  t.after(() => proxy.close());
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (proxy.address());
  const started_ms = performance.now();
  const args = ["example.js", `http://127.0.0.1:${port}`, token, ...tones.map(({ id }) => id)];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  /** @type {string[]} */
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.startsWith("ended ") && !child.killed) child.kill("SIGINT");
  }
  t.diagnostic(lines.join("; "));
  assert.deepEqual(await ended, [0, null]);
  assert.equal(connections, 2);
  const order = lines.map((line) => tones.findIndex(({ id }) => line === `playing ${id}`));
  assert.deepEqual([...new Set(order.filter((index) => index >= 0))], [0, 1], "both tracks, in their order");
  assert.ok(performance.now() - started_ms >= 2 * seconds * 1000, "it takes as long as the tracks");
  const example = async () => {
    const { devices } = await server.ask(token, "/me/player/devices");
    return devices.find((/** @type {any} */ { name }) => name === "Example");
  };
  // It says goodbye as its last act, which the server may read a moment later.
  while ((await example())?.presence === "online") await new Promise((resolve) => setImmediate(resolve));
});

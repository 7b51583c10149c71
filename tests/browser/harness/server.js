/** A real server with a small library, to which tones can be added that tell their place. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { link, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { certificate } from "./certificate.js";
import { RATE, tone } from "./tones.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** The server's program: `$SEGUE`, or what the gate has built. */
const PROGRAM = process.env.SEGUE ?? path.join(ROOT, "target/ci/segue");
/** The tracks of an album of a large library. */
const ALBUM = 1_000;

export class Server {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.port = 0;
    this.password = "";
    /** @type {string | undefined} */
    this.known = undefined;
    /** @type {any} */
    this.user = undefined;
    /** The file of its certificate, if it speaks TLS. @type {string | undefined} */
    this.pem = undefined;
    /** Settings beside those of the tests, by the names of their variables. @type {Record<string, string>} */
    this.settings = {};
    /** @type {import("node:child_process").ChildProcess | undefined} */
    this.process = undefined;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The start of the keys of its music, if that is in a bucket. */
  get bucket() {
    return this.settings.SEGUE_MUSIC;
  }

  /** @param {Record<string, string>} [settings] by the names of their variables @param {number} [port] default: any */
  static async start(settings = {}, port = 0) {
    const server = new Server(await mkdtemp(path.join(tmpdir(), "segue-browser.")));
    server.port = port;
    server.settings = settings;
    await server.run();
    server.password = (await readFile(path.join(server.folder, "password"), "utf8")).trim();
    return server;
  }

  /**
   * Starts one whose music is in a bucket, and nothing else.
   * @param {Record<string, string>} settings `SEGUE_MUSIC` is the start of the keys
   */
  static async ofBucket(settings) {
    const server = new Server(await mkdtemp(path.join(tmpdir(), "segue-browser.")));
    server.settings = settings;
    server.password = "password of the demo";
    const account = ["user", "add", "demo", "--admin", "--data-dir", server.folder];
    await ran(account, { SEGUE_PASSWORD: server.password });
    await server.run();
    return server;
  }

  /** A server without accounts, and the set-up link that it prints. */
  static async unused() {
    const server = new Server(await mkdtemp(path.join(tmpdir(), "segue-browser.")));
    const child = started(["serve", "--listen", "127.0.0.1:0", "--data-dir", server.folder]);
    server.process = child;
    for await (const line of createInterface({ input: child.stdout })) {
      const link = /http\S+\/setup#\w+/.exec(line)?.[0];
      if (link) return { link, end: () => server.end() };
    }
    throw new Error(`${PROGRAM} showed no link: ${child.told()}`);
  }

  /** Starts it, or starts it again on the same port with the same data. */
  async run() {
    const command = this.bucket ? ["serve"] : ["demo", "--short"];
    const child = started([...command, "--listen", `127.0.0.1:${this.port}`, "--data-dir", this.folder], {
      ...this.settings,
      ...(this.pem ? { SEGUE_TLS_CERT: this.pem, SEGUE_TLS_KEY: this.pem } : {}),
    });
    this.process = child;
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /^(?:open this in your browser to listen:|listening) https?:.*:(\d+)/.exec(line)?.[1];
      // With a public address it is the port of the proxy that is shown.
      if (port && !this.port) this.port = Number(port);
      if (line.startsWith("Ctrl-C") || (this.bucket && port)) return;
    }
    throw new Error(`${PROGRAM} did not start: ${child.told()}`);
  }

  /** From now on it speaks TLS, for browsers only: requests of the tests themselves must come before. */
  async secure() {
    await this.session();
    await this.stop();
    this.pem = path.join(this.folder, "tls.pem");
    await writeFile(this.pem, certificate(), { mode: 0o600 });
    await this.run();
  }

  /**
   * Stops its process: it answers nothing, and its sockets stay open, as if a cable was pulled. On a busy machine the
   * signal takes effect later than `kill` returns, and the server would answer until then.
   */
  async freeze() {
    this.process?.kill("SIGSTOP");
    const tasks = `/proc/${this.process?.pid}/task`;
    for (const task of await readdir(tasks))
      for (;;) {
        const [state] = (await readFile(`${tasks}/${task}/stat`, "utf8")).split(") ").pop() ?? "";
        if (state === "T") break;
        await new Promise((resolve) => setImmediate(resolve));
      }
  }

  thaw() {
    this.process?.kill("SIGCONT");
  }

  async stop() {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }

  /** Ends its process at once, also when it is frozen: nothing is stored any more. */
  async kill() {
    const child = this.process;
    this.process = undefined;
    child?.kill("SIGKILL");
    if (child) await once(child, "exit");
  }

  async end() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A token of its user. Log-ins are rate-limited, so there is only one. @returns {Promise<string>} */
  async token() {
    const token = this.known ?? (await this.logIn());
    this.known = token;
    return token;
  }

  /** What a page stores of its user's log-in. */
  async session() {
    const token = await this.token();
    this.user ??= await this.ask(token, "/me");
    return { token, user: this.user };
  }

  async logIn() {
    const body = JSON.stringify({ username: "demo", password: this.password });
    const response = await fetch(`${this.url}/v1/auth/login`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    return (await response.json()).token;
  }

  /** @param {string} token @param {string} at @param {RequestInit} [options] */
  async ask(token, at, options = {}) {
    const response = await fetch(`${this.url}/v1${at}`, {
      ...options,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    if (!response.ok) throw new Error(`${at}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  /** Creates an account. @param {string} username @param {string} password @param {"user" | "admin"} [role] */
  async addUser(username, password, role = "user") {
    await this.ask(await this.token(), "/users", {
      method: "POST",
      body: JSON.stringify({ username, password, role }),
    });
  }

  /** A folder below the library's music folder. @param {string} name */
  async musicFolder(name) {
    const folder = path.join(this.folder, "music", name);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /**
   * Adds tones to the library and waits until they are in it.
   * @param {{name: string, seconds: number}[]} tones each continues the phase of the one before
   * @returns {Promise<any[]>} the tracks, in order
   */
  async addTones(tones) {
    const folder = await this.musicFolder("Tones");
    let at = 0;
    for (const { name, seconds } of tones) {
      const samples = Math.round(seconds * RATE);
      await writeFile(path.join(folder, `${name}.wav`), tone(at, samples));
      at += samples;
    }
    if (this.bucket) await ran(["import", folder, "--to", this.bucket], this.settings);
    const token = await this.token();
    await this.ask(token, "/library/scan", { method: "POST" });
    for (;;) {
      const { items } = await this.ask(token, "/tracks?limit=50&sort=newest");
      const found = tones.map(({ name }) => items.find((/** @type {any} */ track) => track.name.includes(name)));
      if (found.every(Boolean)) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Adds so many tracks, in albums of a thousand; the files of an album are hard links to one file.
   * @param {number} tracks
   */
  async addMany(tracks) {
    for (let at = 0; at < tracks; at += ALBUM) {
      const folder = await this.musicFolder(`Album ${at / ALBUM + 1}`);
      const [first, ...others] = Array.from({ length: ALBUM }, (_, index) =>
        path.join(folder, `Track ${at + index + 1}.wav`),
      );
      await writeFile(first, tone(at, RATE));
      await Promise.all(others.map((other) => link(first, other)));
    }
    const token = await this.token();
    await this.ask(token, "/library/scan", { method: "POST" });
    while (
      (await this.ask(token, "/tracks?limit=1")).total < tracks ||
      (await this.ask(token, "/library/scan")).running
    )
      await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The environment without settings of the server: it refuses unknown ones, and the gate has variables of its own. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SEGUE_")));
/** So many of the last characters of the server's log are kept. */
const LOG_CHARACTERS = 4_000;

/** Runs a command that has to succeed. @param {string[]} args @param {Record<string, string>} settings */
const ran = (args, settings) => promisify(execFile)(PROGRAM, args, { env: { ...ENVIRONMENT, ...settings } });

/**
 * The server ends with the tests, however they end. `told()` is the end of its log.
 * @param {string[]} args @param {Record<string, string>} [settings]
 */
function started(args, settings = {}) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", PROGRAM, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...ENVIRONMENT, ...settings },
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (log = (log + text).slice(-LOG_CHARACTERS)));
  return Object.assign(child, { told: () => log });
}

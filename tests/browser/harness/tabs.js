/**
 * A browser as people have it: several tabs in one window, of which one is visible. Playwright makes every page believe
 * that it is visible, so this uses the browser's own protocol over a pipe.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PATIENCE_MS, PROGRAM } from "./browser.js";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--remote-debugging-pipe",
  "--autoplay-policy=no-user-gesture-required",
];

/** A tab; `id` names it, and `session` the connection to it. */
export class Tab {
  /** @param {Window} window @param {string} id @param {string} session */
  constructor(window, id, session) {
    this.window = window;
    this.id = id;
    this.session = session;
  }

  /**
   * The value of an expression in the page; a promise is waited for.
   * @param {string} expression
   * @returns {Promise<any>}
   */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.window.send(
      "Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true },
      this.session,
    );
    if (exceptionDetails)
      throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  }

  /**
   * Waits until an expression is true. It is evaluated from here, because a hidden page's own timers are late.
   * @param {string} expression
   */
  async holds(expression) {
    const give_up_ms = Date.now() + PATIENCE_MS;
    while (!(await this.evaluate(expression))) {
      if (Date.now() > give_up_ms) throw new Error(`not so within ${PATIENCE_MS} ms: ${expression}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Brings the tab to the front; the others are hidden then. */
  show() {
    return this.window.send("Target.activateTarget", { targetId: this.id });
  }
}

export class Window {
  /** @param {import("node:child_process").ChildProcess} process @param {string} folder */
  constructor(process, folder) {
    this.process = process;
    this.folder = folder;
    this.count = 0;
    /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    const [, , , into, out] = /** @type {any[]} */ (process.stdio);
    this.into = into;
    let rest = "";
    out.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop() ?? "";
      for (const message of messages) this.hear(JSON.parse(message));
    });
  }

  /** @param {string[]} flags */
  static async open(...flags) {
    const folder = await mkdtemp(path.join(tmpdir(), "segue-window."));
    // In a process group of its own, which `sleep` stops as a whole.
    const args = [
      "--pdeathsig",
      "KILL",
      PROGRAM ?? "chromium",
      ...FLAGS,
      `--user-data-dir=${folder}`,
      ...flags,
      "about:blank",
    ];
    return new Window(
      spawn("setpriv", args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true }),
      folder,
    );
  }

  /** @param {any} message */
  hear({ id, result, error }) {
    const asked = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) asked?.reject(new Error(error.message));
    else asked?.resolve(result);
  }

  /** @param {string} method @param {object} [params] @param {string} [sessionId] @returns {Promise<any>} */
  send(method, params = {}, sessionId = undefined) {
    const id = (this.count += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.into.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /**
   * A new tab in front, in which `script` runs before the page's own scripts.
   * @param {string} url @param {string} [script]
   */
  async tab(url, script = "") {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    await this.send("Page.enable", {}, sessionId);
    await this.send("Page.addScriptToEvaluateOnNewDocument", { source: script }, sessionId);
    await this.send("Page.navigate", { url }, sessionId);
    return new Tab(this, targetId, sessionId);
  }

  /** Stops the browser, as if the machine slept. */
  sleep() {
    this.signal("SIGSTOP");
  }

  wake() {
    this.signal("SIGCONT");
  }

  /** Sends a signal to all of its processes. @param {NodeJS.Signals} signal */
  signal(signal) {
    const { pid } = this.process;
    if (!pid) throw new Error("the browser did not start");
    process.kill(-pid, signal);
  }

  async close() {
    const ended = once(this.process, "exit");
    this.signal("SIGKILL");
    await ended;
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20 });
  }
}

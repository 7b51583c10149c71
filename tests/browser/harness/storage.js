/** A real service of object storage: moto, which lets pages of all origins read, and checks no signature. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PYTHON = fileURLToPath(new URL("../../python.sh", import.meta.url));
/** The bucket that is there. */
export const BUCKET = "music";

/**
 * Starts it, with an empty bucket and a key file in `folder`.
 * @param {string} folder
 * @returns {Promise<{url: string, key: string, log: string[], end: () => Promise<void>}>} its log has a line for each
 *   request
 */
export async function storage(folder) {
  const { stdout } = await promisify(execFile)(PYTHON);
  const words = [stdout.trim(), "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...words], { stdio: ["ignore", "ignore", "pipe"] });
  /** @type {string[]} */
  const log = [];
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      const found = /Running on (http:\S+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
    child.once("exit", () => reject(new Error(log.join("\n"))));
  });
  await fetch(`${url}/${BUCKET}`, { method: "PUT" });
  const key = path.join(folder, "key.toml");
  await writeFile(key, 'access_key_id = "AK"\nsecret_access_key = "SK"\n');
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  };
  return { url, key, log, end };
}

/** A real nginx that serves Segue below a path, or audio as a CDN. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, request as ask } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";

/** @returns {Promise<number>} a port of this machine that nobody listens on */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/** Whether somebody listens on a port of this machine. @param {number} port */
async function isListened(port) {
  const socket = connect(port, "127.0.0.1");
  const answered = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return answered;
}

/** One place of a site: what is below `path` goes to `to`. @param {{path: string, to: string}} place */
const location = ({ path, to }) => `
      location ${path} {
        proxy_pass ${to};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_read_timeout 1h;
        proxy_buffering off;
      }`;

/**
 * Starts nginx with one site for each port; everything else there is 404, as with a site of its own.
 * @param {{port: number, path: string, to: string}[]} sites
 * @returns {Promise<{end: () => Promise<void>}>}
 */
export function nginx(sites) {
  const servers = sites.map(
    (site) => `
    server {
      listen 127.0.0.1:${site.port};
      location / { return 404; }${location(site)}
    }`,
  );
  const text = `map $http_upgrade $connection_upgrade { default upgrade; "" ""; }${servers.join("")}`;
  return started(sites[0].port, () => `access_log off; ${text}`);
}

/** A request that is to be refused comes within this time, in milliseconds. */
const REFUSED_MS = 30_000;

/**
 * Passes requests on to a port, and refuses some of them as a CDN does whose address is too old.
 * @param {number} to
 */
export async function refuser(to) {
  let left = 0;
  const server = createHttpServer((request, response) => {
    const { method, url, headers } = request;
    if (left > 0) {
      left -= 1;
      response.writeHead(403, { "access-control-allow-origin": "*" }).end();
      server.emit("refused");
      return;
    }
    const passed = ask({ host: "127.0.0.1", port: to, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    /** Refuses the next request; resolves when that came. */
    refuse: () => {
      left = 1;
      return once(server, "refused", { signal: AbortSignal.timeout(REFUSED_MS) });
    },
    end: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The secrets in `config/nginx-edge.conf`. */
export const EDGE_SECRETS = { addresses: "secret-of-the-addresses", edge: "secret-of-the-edge" };

/**
 * Starts nginx as a CDN, by the recipe. Its log has the path, the status and the state in the cache of each answer.
 * @param {number} port @param {string} to the server's address
 * @returns {Promise<{end: () => Promise<void>, log: () => Promise<string[]>}>}
 */
export async function edge(port, to) {
  let text = await readFile(new URL("../../../config/nginx-edge.conf", import.meta.url), "utf8");
  for (const [from, into] of [
    ["listen 443 ssl http2;", `listen 127.0.0.1:${port};`],
    ["listen [::]:443 ssl http2;", ""],
    ["ssl_certificate /etc/letsencrypt/live/edge.example.org/fullchain.pem;", ""],
    ["ssl_certificate_key /etc/letsencrypt/live/edge.example.org/privkey.pem;", ""],
    ["https://music.example.org", to],
  ]) {
    if (!text.includes(from)) throw new Error(`the recipe has no ${from}`);
    text = text.replaceAll(from, into);
  }
  let file = "";
  const { end } = await started(port, (folder) => {
    file = path.join(folder, "log");
    const format = "log_format edge '$uri $status $upstream_cache_status $http_origin';";
    return `${format} access_log ${file} edge; ${text.replaceAll("/var/cache/nginx/segue", `${folder}/cache`)}`;
  });
  return { end, log: async () => (await readFile(file, "utf8")).trim().split("\n") };
}

/**
 * Starts nginx and waits until it listens.
 * @param {number} port @param {(folder: string) => string} http what its block `http` has
 */
async function started(port, http) {
  const folder = await mkdtemp(path.join(tmpdir(), "segue-nginx."));
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const text = `${userInfo().uid === 0 ? "user root;" : ""}
  daemon off; master_process off; pid ${folder}/pid; error_log stderr;
  events {}
  http {
    ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n    ")}
    ${http(folder)}
  }\n`;
  const file = path.join(folder, "nginx.conf");
  await writeFile(file, text);
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "nginx", "-p", folder, "-c", file], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  while (!(await isListened(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  };
  return { end };
}

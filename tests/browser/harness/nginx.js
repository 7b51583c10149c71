/** A real nginx that serves Segue below a path. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
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
export async function nginx(sites) {
  const folder = await mkdtemp(path.join(tmpdir(), "segue-nginx."));
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const servers = sites.map(
    (site) => `
    server {
      listen 127.0.0.1:${site.port};
      location / { return 404; }${location(site)}
    }`,
  );
  const text = `${userInfo().uid === 0 ? "user root;" : ""}
  daemon off; master_process off; pid ${folder}/pid; error_log stderr;
  events {}
  http {
    access_log off;
    ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n    ")}
    map $http_upgrade $connection_upgrade { default upgrade; "" ""; }${servers.join("")}
  }\n`;
  const file = path.join(folder, "nginx.conf");
  await writeFile(file, text);
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "nginx", "-p", folder, "-c", file], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  while (!(await isListened(sites[0].port))) {
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

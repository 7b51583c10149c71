/** The server's REST API: `ask` sends a request; the other functions are for requests that several modules need. */

import { outside } from "./root.js";
import { LOGIN_ENDED, store } from "./store.js";

/** A request that failed: what was wrong, in words for people, and a stable code for programs. */
export class ApiError extends Error {
  /** @param {number} status 0 when the server could not be reached @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Answers that the script within the page has asked for while this code was loaded, by path; each is used once, by the
 * first view.
 * @type {{token?: string, answers?: Map<string, Promise<Response>>}}
 */
const early = /** @type {any} */ (window).early ?? {};
/** After this time from the start of the page such an answer is too old, in milliseconds. */
const EARLY_MS = 10_000;

/** A request that takes longer has failed, in milliseconds. */
const PATIENCE_MS = 20_000;
/** The most ids in one request. */
export const MOST_IDS = 50;

/**
 * Sends a request and returns the answer.
 * @param {string} path below `/v1`
 * @param {{method?: string, json?: unknown, signal?: AbortSignal, token?: string}} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, { method = "GET", json, signal, token = store.session?.token } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (json !== undefined) headers["content-type"] = "application/json";
  const signals = [AbortSignal.timeout(PATIENCE_MS), ...(signal ? [signal] : [])];
  const body = json === undefined ? undefined : JSON.stringify(json);
  let response;
  try {
    const known = method === "GET" && token === early.token ? early.answers?.get(path) : undefined;
    early.answers?.delete(path);
    response =
      known && performance.now() < EARLY_MS
        ? await known
        : await fetch(outside(`/v1${path}`), { method, headers, body, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The server cannot be reached.");
  }
  if (response.status === 204) return undefined;
  const answer = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const { code = "unknown", message = `The server answered with status ${response.status}.` } = answer?.error ?? {};
  if (response.status === 401 && token && token === store.session?.token) store.setSession(undefined, LOGIN_ENDED);
  throw new ApiError(response.status, code, message);
}

/**
 * An address of this server under the name by which the page was reached.
 * @param {string} url as the server wrote it
 */
export function own(url) {
  const { pathname, search } = new URL(url, location.href);
  return location.origin + pathname + search;
}

/**
 * @param {string} path @param {Record<string, string | number | undefined>} parameters
 */
export function query(path, parameters) {
  const known = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `${path}?${new URLSearchParams(known.map(([key, value]) => [key, String(value)]))}`;
}

/** Logs in, by one of several ways. @param {string} path @param {Record<string, unknown>} json */
export async function enter(path, json) {
  const { token, user } = await ask(path, { method: "POST", json, token: "" });
  store.setSession({ token, user });
}

export async function logOut() {
  const token = store.session?.token;
  store.setSession(undefined);
  await ask("/auth/logout", { method: "POST", token }).catch(() => undefined);
}

/**
 * All items of a list that comes in pages, up to `most`. The first page says how many there are; the others are asked
 * for at the same time.
 * @param {string} path @param {number} most @param {number} [offset] @returns {Promise<any[]>}
 */
export async function all(path, most, offset = 0) {
  const page = (/** @type {number} */ at) =>
    ask(query(path, { limit: Math.min(MOST_IDS, most - at), offset: offset + at }));
  const first = await page(0);
  const others = [];
  for (let at = MOST_IDS; at < Math.min(most, first.total - offset); at += MOST_IDS) others.push(page(at));
  return [first, ...(await Promise.all(others))].flatMap(({ items }) => items);
}

/**
 * The tracks of a list's items. Some lists wrap each track, for example to add the date on which it was saved.
 * @param {any[]} items
 */
export const tracksIn = (items) => items.map((item) => item.track ?? item).filter(Boolean);

/** The bytes of items, and the decoded audio. Each is loaded once, however many ask for it, and few are kept. */

/** Longer items are never decoded whole, in milliseconds: 12 minutes of stereo take about 260 MB. */
export const LONGEST_DECODED_MS = 12 * 60_000;
/** The number of items whose bytes are kept. */
const KEPT_BYTES = 3;
/** The number of decoded items that are kept: the current one and the next. */
const KEPT_BUFFERS = 2;
/** A download is given up when nothing came for this time, in milliseconds. */
const SILENT_MS = 20_000;
/** After a failure an item is not preloaded for this time, in milliseconds. */
const LATER_MS = 5_000;
/** Status codes for an address that is too old, or for bytes that the track no longer has. */
const OUTDATED = [403, 404, 409];

/** The item cannot be loaded or decoded, and trying again does not help. */
export class Unplayable extends Error {}

/** The server is about to read the file again. */
export class Reread extends Error {}

export class Loader {
  /**
   * @param {() => AudioContext} context
   * @param {(media_id: string, renew: boolean) => Promise<string>} addressOf the address of an item's bytes
   */
  constructor(context, addressOf) {
    this.context = context;
    this.addressOf = addressOf;
    /** @type {Map<string, Promise<ArrayBuffer>>} */
    this.bytesOf = new Map();
    /** @type {Map<string, Promise<AudioBuffer>>} */
    this.bufferOf = new Map();
    /** @type {Map<string, AudioBuffer>} */
    this.decoded = new Map();
    /** Items that failed, and until when they are not preloaded. @type {Map<string, number>} */
    this.failed = new Map();
  }

  /** Preloads an item, which may be needed soon. @param {string} media_id @param {boolean} whole decoded, too */
  soon(media_id, whole) {
    if (performance.now() < (this.failed.get(media_id) ?? 0)) return;
    (whole ? this.buffer(media_id) : this.bytes(media_id)).catch(() => {
      this.failed.delete(media_id);
      this.failed.set(media_id, performance.now() + LATER_MS);
      for (const old of this.failed.keys()) if (this.failed.size > KEPT_BYTES) this.failed.delete(old);
    });
  }

  /** @param {string} media_id @returns {Promise<ArrayBuffer>} */
  bytes(media_id) {
    return once(this.bytesOf, media_id, KEPT_BYTES, () => this.fetchBytes(media_id));
  }

  /** The address of an item's bytes. @param {string} media_id @param {boolean} renew @returns {Promise<string>} */
  async address(media_id, renew) {
    try {
      return await this.addressOf(media_id, renew);
    } catch (error) {
      throw /** @type {any} */ (error).status === 404 ? new Unplayable("the server has no such track") : error;
    }
  }

  /** @param {string} media_id */
  async fetchBytes(media_id) {
    let { status, bytes } = await load(await this.address(media_id, false));
    if (OUTDATED.includes(status)) ({ status, bytes } = await load(await this.address(media_id, true)));
    if (!bytes) throw refusal(status);
    return bytes;
  }

  /** Throws when the server sends nothing for a new address. @param {string} url */
  async examine(url) {
    const { status, ok } = await fetch(url, {
      headers: { range: "bytes=0-0" },
      signal: AbortSignal.timeout(SILENT_MS),
    });
    if (!ok) throw refusal(status);
  }

  /** @param {string} media_id @returns {Promise<AudioBuffer>} */
  buffer(media_id) {
    return once(this.bufferOf, media_id, KEPT_BUFFERS, async () => {
      const bytes = await this.bytes(media_id);
      try {
        // Decoding takes the bytes away from their owner, so a copy is decoded.
        const buffer = await this.context().decodeAudioData(bytes.slice(0));
        this.decoded.set(media_id, buffer);
        for (const known of this.decoded.keys()) if (!this.bufferOf.has(known)) this.decoded.delete(known);
        return buffer;
      } catch (error) {
        throw new Unplayable(`the audio cannot be decoded: ${error}`);
      }
    });
  }

  /** The decoded audio of an item, if there is any. @param {string} media_id */
  ready(media_id) {
    return this.bufferOf.has(media_id) ? this.decoded.get(media_id) : undefined;
  }
}

/** The error for an answer without bytes. A server error may be over later. @param {number} status */
function refusal(status) {
  const why = `the server answered ${status}`;
  if (status === 409) return new Reread(why);
  return status >= 500 || status === 429 ? new Error(why) : new Unplayable(why);
}

/** The whole answer; fails when nothing came for `SILENT_MS`. @param {string} url */
async function load(url) {
  const patience = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => patience.abort(), SILENT_MS);
  };
  heard();
  try {
    const { status, ok, body } = await fetch(url, { signal: patience.signal });
    if (!ok || !body) return { status };
    const coming = body.pipeThrough(
      new TransformStream({
        transform(part, whole) {
          heard();
          whole.enqueue(part);
        },
      }),
    );
    return { status, bytes: await new Response(coming).arrayBuffer() };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The value under `key`, made once; forgotten when making it fails or when `most` newer ones have come.
 * @template T
 * @param {Map<string, Promise<T>>} map
 * @param {string} key
 * @param {number} most
 * @param {() => Promise<T>} make
 */
function once(map, key, most, make) {
  const known = map.get(key);
  map.delete(key);
  const value = known ?? make();
  map.set(key, value);
  if (!known) value.catch(() => map.get(key) === value && map.delete(key));
  for (const old of map.keys()) {
    if (map.size <= most) break;
    map.delete(old);
  }
  return value;
}

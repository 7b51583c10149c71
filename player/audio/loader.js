/** The bytes of items and what they decode to; each is fetched once however many ask, and little is kept. */

/** Longer items are never decoded as a whole: 12 minutes of stereo are about 260 MB. */
export const LONGEST_DECODED_MS = 12 * 60_000;
/** Items whose bytes are kept. */
const KEPT_BYTES = 3;
/** Items that are kept decoded: the one that sounds and the one after it. */
const KEPT_BUFFERS = 2;
/** A server that is silent for so long has left off, in milliseconds. */
const SILENT_MS = 20_000;
/** What failed is left alone for so long by who wants it soon, in milliseconds. */
const LATER_MS = 5_000;
/** Answers to an address that is too old, or of bytes that the track has no more. */
const OUTDATED = [403, 404, 409];

/** The item cannot be had or decoded, and trying again does not help. */
export class Unplayable extends Error {}

/** The server is about to read the file anew. */
export class Reread extends Error {}

export class Loader {
  /**
   * @param {() => AudioContext} context
   * @param {(media_id: string, renew: boolean) => Promise<string>} addressOf where an item's bytes are
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
    /** Until when what failed is left alone, by item. @type {Map<string, number>} */
    this.failed = new Map();
  }

  /** It is wanted soon, perhaps. @param {string} media_id @param {boolean} whole decoded, too */
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

  /** Where an item's bytes are. @param {string} media_id @param {boolean} renew @returns {Promise<string>} */
  async address(media_id, renew) {
    try {
      return await this.addressOf(media_id, renew);
    } catch (error) {
      throw /** @type {any} */ (error).status === 404 ? new Unplayable("there is no such track any more") : error;
    }
  }

  /** @param {string} media_id */
  async fetchBytes(media_id) {
    let { status, bytes } = await load(await this.address(media_id, false));
    if (OUTDATED.includes(status)) ({ status, bytes } = await load(await this.address(media_id, true)));
    if (!bytes) throw refusal(status);
    return bytes;
  }

  /** Throws when the server does not give what is at a fresh address. @param {string} url */
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
        // Decoding takes the bytes away, and they may be wanted again.
        const buffer = await this.context().decodeAudioData(bytes.slice(0));
        this.decoded.set(media_id, buffer);
        for (const known of this.decoded.keys()) if (!this.bufferOf.has(known)) this.decoded.delete(known);
        return buffer;
      } catch (error) {
        throw new Unplayable(`the audio cannot be decoded: ${error}`);
      }
    });
  }

  /** What is decoded already. @param {string} media_id */
  ready(media_id) {
    return this.bufferOf.has(media_id) ? this.decoded.get(media_id) : undefined;
  }
}

/** Why there are no bytes; a server in trouble may give them later. @param {number} status */
function refusal(status) {
  const why = `the server answered ${status}`;
  if (status === 409) return new Reread(why);
  return status >= 500 || status === 429 ? new Error(why) : new Unplayable(why);
}

/** The whole answer, as long as something comes. @param {string} url */
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
 * The value under `key`, made once and forgotten when making it fails or when `most` newer ones have come.
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

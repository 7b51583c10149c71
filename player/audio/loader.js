/** The bytes of items and what they decode to; each is fetched once however many ask, and little is kept. */

/** Longer items are never decoded as a whole: 12 minutes of stereo are about 260 MB. */
export const LONGEST_DECODED_MS = 12 * 60_000;
/** Items whose bytes are kept. */
const KEPT_BYTES = 3;
/** Items that are kept decoded: the one that sounds and the one after it. */
const KEPT_BUFFERS = 2;

/** The item cannot be had or decoded, and trying again does not help. */
export class Unplayable extends Error {}

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
  }

  /** @param {string} media_id @returns {Promise<ArrayBuffer>} */
  bytes(media_id) {
    return once(this.bytesOf, media_id, KEPT_BYTES, () => this.fetchBytes(media_id));
  }

  /** @param {string} media_id */
  async fetchBytes(media_id) {
    let response = await fetch(await this.addressOf(media_id, false));
    if (response.status === 403) response = await fetch(await this.addressOf(media_id, true));
    if (response.status >= 500) throw new Error(`the server answered ${response.status}`);
    if (!response.ok) throw new Unplayable(`the server answered ${response.status}`);
    return response.arrayBuffer();
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

/**
 * The value under `key`, made once and forgotten when making it fails or when `most` newer ones have come.
 * @template T @param {Map<string, Promise<T>>} map @param {string} key @param {number} most @param {() => Promise<T>} make
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

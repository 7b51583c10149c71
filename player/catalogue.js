/** Tracks by id: asked for in batches, remembered for a while, and watched by the views that show them. */

import { ApiError, MOST_IDS, ask, own } from "./api.js";
import { remember } from "./offline_cache.js";
import { Watchable } from "./store.js";

/** The most tracks that are remembered. */
const KEPT = 2_000;
/** A signed address is renewed after this time, in milliseconds; it is valid for a day at least. */
const ADDRESS_MS = 12 * 3_600_000;

/** @typedef {{saved_us: number, playlists_us: number}} Kept when saved music and playlists last changed */

class Catalogue extends Watchable {
  constructor() {
    super();
    /** @type {Map<string, {track: any, at_ms: number}>} */
    this.tracks = new Map();
    /** @type {Set<string>} */
    this.wanted = new Set();
    /** @type {Set<string>} ids that the server does not know */
    this.missing = new Set();
    this.isAsking = false;
    /** @type {Map<string, boolean>} */
    this.saved = new Map();
    /** @type {Set<string>} tracks whose heart may have changed elsewhere */
    this.doubted = new Set();
    /** @type {Set<string>} tracks whose heart is asked for */
    this.askedSaved = new Set();
    /** @type {Map<string, number>} how often a heart was pressed here */
    this.pressed = new Map();
    /** @type {Kept | undefined} */
    this.kept = undefined;
  }

  /** @param {Kept} kept as the server says */
  hear(kept) {
    const isNew = this.kept?.saved_us !== kept.saved_us;
    this.kept = kept;
    if (isNew) this.doubted = new Set(this.saved.keys());
    this.changed();
  }

  /**
   * Remembers a track that came with a list.
   * @param {any} track @param {number} [at_ms] when the server sent it, by the wall clock
   */
  learn(track, at_ms = Date.now()) {
    this.tracks.delete(track.id);
    this.tracks.set(track.id, { track, at_ms });
    for (const id of this.tracks.keys()) {
      if (this.tracks.size <= KEPT) break;
      this.tracks.delete(id);
    }
  }

  /** A track, if it is remembered. @param {string} id */
  known(id) {
    return this.tracks.get(id)?.track;
  }

  /**
   * A track, if it is remembered. If not, it is asked for, and the watchers are told when it comes.
   * @param {string} id
   */
  track(id) {
    const known = this.tracks.get(id);
    if (!known && !this.missing.has(id)) {
      this.wanted.add(id);
      void this.askWanted();
    }
    return known?.track;
  }

  async askWanted() {
    if (this.isAsking) return;
    this.isAsking = true;
    await Promise.resolve();
    try {
      while (this.wanted.size > 0) {
        const ids = [...this.wanted].slice(0, MOST_IDS);
        const page = await ask(`/tracks?ids=${ids.join(",")}`);
        for (const track of page.tracks ?? page.items) if (track) this.learn(track);
        for (const id of ids) {
          this.wanted.delete(id);
          if (!this.tracks.has(id)) this.missing.add(id);
        }
        this.changed();
      }
    } catch {
      // The views that show these tracks ask again with the next change.
      this.wanted.clear();
    } finally {
      this.isAsking = false;
    }
  }

  /**
   * The address of a track's audio on this server.
   * @param {string} id @param {boolean} renew
   * @returns {Promise<string>}
   */
  async addressOf(id, renew) {
    const address = own(await this.findAddress(id, renew));
    const track = this.known(id);
    if (track) remember(address, track).catch(() => undefined);
    return address;
  }

  /** @param {string} id @param {boolean} renew @returns {Promise<string>} */
  async findAddress(id, renew) {
    const known = this.tracks.get(id);
    const older = known?.track.audio_url;
    const isFresh = known && Date.now() - known.at_ms < ADDRESS_MS;
    if (older && (isFresh || !navigator.onLine) && !renew) return older;
    try {
      const track = await ask(`/tracks/${id}`);
      this.learn(track);
      this.changed();
      if (!track.audio_url) throw new ApiError(404, "missing", "Its file is missing.");
      return track.audio_url;
    } catch (error) {
      // An old address still finds kept audio: the path of a track's audio does not change.
      if (older && error instanceof ApiError && error.status === 0) return older;
      throw error;
    }
  }

  /** The factor that brings a track to the loudness of others. @param {string} id */
  loudnessOf(id) {
    const { track_gain_db: gain_db, track_peak: peak } = this.tracks.get(id)?.track.replay_gain ?? {};
    if (typeof gain_db !== "number") return 1;
    const factor = 10 ** (gain_db / 20);
    return peak > 0 ? Math.min(factor, 1 / peak) : Math.min(factor, 1);
  }

  /** Asks the server which of these tracks are saved, unless it is known or asked. @param {string[]} ids */
  async askSaved(ids) {
    const isOpen = (/** @type {string} */ id) => !this.saved.has(id) || this.doubted.has(id);
    const unknown = ids.filter((id) => isOpen(id) && !this.askedSaved.has(id)).slice(0, MOST_IDS);
    if (unknown.length === 0) return;
    const pressed = unknown.map((id) => this.pressed.get(id));
    for (const id of unknown) {
      this.askedSaved.add(id);
      this.doubted.delete(id);
    }
    try {
      const answers = await ask(`/me/tracks/contains?ids=${unknown.join(",")}`);
      unknown.forEach((id, index) => {
        // Not if it was pressed meanwhile.
        if (this.pressed.get(id) === pressed[index]) this.saved.set(id, answers[index] === true);
      });
    } catch (error) {
      unknown.filter((id) => this.saved.has(id)).forEach((id) => this.doubted.add(id));
      throw error;
    } finally {
      unknown.forEach((id) => this.askedSaved.delete(id));
    }
    this.changed();
  }

  /** @param {string} id @param {boolean} saved */
  async save(id, saved) {
    const was = this.saved.get(id);
    const press = () => this.pressed.set(id, (this.pressed.get(id) ?? 0) + 1);
    press();
    this.saved.set(id, saved);
    this.changed();
    try {
      await ask(`/me/tracks?ids=${id}`, { method: saved ? "PUT" : "DELETE" });
    } catch (error) {
      this.saved.set(id, was ?? !saved);
      this.changed();
      throw error;
    } finally {
      press();
    }
  }
}

export const catalogue = new Catalogue();

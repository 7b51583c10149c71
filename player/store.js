/** What this browser stores: the login, the preferences, and the id of this tab's device. */

import { stored } from "./root.js";

/** An object that can be watched. Several changes in one turn of the event loop are reported once. */
export class Watchable {
  constructor() {
    /** @type {Set<() => void>} */
    this.watchers = new Set();
    this.isTelling = false;
  }

  /** @param {() => void} watcher @returns {() => void} ends the watching */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => void this.watchers.delete(watcher);
  }

  changed() {
    if (this.isTelling) return;
    this.isTelling = true;
    queueMicrotask(() => {
      this.isTelling = false;
      for (const watcher of [...this.watchers]) watcher();
    });
  }
}

/** Shown to users whose login has become invalid. */
export const LOGIN_ENDED = "This login has ended. Log in again.";

/** @typedef {{id: string, display_name: string, role: string}} User */
/**
 * @typedef {{theme: "auto" | "light" | "dark", evens: boolean, keep_mb: number, name: string, level: number, muted:
 * boolean, keys: boolean}} Preferences
 */

/** @type {Preferences} */
const FIRST = { theme: "auto", evens: true, keep_mb: 1024, name: "", level: 80, muted: false, keys: true };

/** Where this browser stores what it showed last. */
export const SHOWN = stored("segue.shown");
const SESSION = stored("segue.session");
const PREFERENCES = stored("segue.preferences");
const DEVICE = stored("segue.device");
const VOLUME_VERSION = stored("segue.volume_version");

/** @param {Storage} storage @param {string} key */
export function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Storage} storage @param {string} key @param {unknown} value */
export function write(storage, key, value) {
  try {
    if (value === undefined) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch {
    // Without storage space or permission the value is lost after this visit; nothing else changes.
  }
}

export class Store extends Watchable {
  constructor() {
    super();
    /** @type {{token: string, user: User} | undefined} */
    this.session = read(localStorage, SESSION) ?? undefined;
    this.why = "";
    /** @type {Preferences} */
    this.preferences = FIRST;
    this.readPreferences();
    // Another tab has changed the value.
    addEventListener("storage", ({ key, newValue }) => {
      this.readPreferences();
      if (key === SESSION) this.session = JSON.parse(newValue ?? "null") ?? undefined;
      this.changed();
    });
  }

  readPreferences() {
    this.preferences = { ...FIRST, ...read(localStorage, PREFERENCES) };
  }

  /** Whether this browser is logged in: another tab may have a newer login than this one. */
  get isKnown() {
    return read(localStorage, SESSION) !== null;
  }

  /**
   * @param {{token: string, user: User} | undefined} session
   * @param {string} [why] why the login has ended, in words for people
   */
  setSession(session, why = "") {
    if (session || read(localStorage, SESSION)?.token === this.session?.token) write(localStorage, SESSION, session);
    if (session?.user.id !== this.session?.user.id) write(localStorage, SHOWN, undefined);
    this.session = session;
    this.why = why;
    this.changed();
  }

  /** @param {Partial<Preferences>} some */
  prefer(some) {
    this.readPreferences();
    this.preferences = { ...this.preferences, ...some };
    write(localStorage, PREFERENCES, this.preferences);
    this.changed();
  }

  /** The id of this tab's device; it is stored as long as the tab is open. @returns {string | undefined} */
  deviceId() {
    return read(sessionStorage, DEVICE) ?? undefined;
  }

  /** @param {string} id */
  setDeviceId(id) {
    write(sessionStorage, DEVICE, id);
  }

  /** The version of the volume of this tab's device: a reloaded page names it in its `hello`. @returns {number} */
  volumeVersion() {
    const version = read(sessionStorage, VOLUME_VERSION);
    return Number.isSafeInteger(version) && version >= 0 ? version : 0;
  }

  /** @param {number} version */
  setVolumeVersion(version) {
    write(sessionStorage, VOLUME_VERSION, version);
  }
}

export const store = new Store();

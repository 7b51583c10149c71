/** How this page describes itself as a device. */

/**
 * After this long the lock on a device id belongs to another tab, not to the page that is being reloaded, in
 * milliseconds.
 */
const RELOAD_MS = 1_000;

/** 64 random bits as 16 hex digits. */
export function randomId() {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return [...words].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/**
 * How this page describes itself in its `hello`.
 * @param {string} id @param {import("../store.js").Preferences} preferences
 * @param {number} version that of the volume @returns {import("../rules/types.js").HelloDevice}
 */
export function describeDevice(id, { name, level, muted }, version) {
  return {
    id,
    instance: randomId(),
    name: name || deviceName(),
    kind: deviceKind(),
    plays: true,
    controls: true,
    volume: { level, muted, version },
  };
}

function deviceKind() {
  return /Mobi|Android|iPhone|iPad/.test(navigator.userAgent) ? "phone" : "browser";
}

/** The name until a person chooses another one: the browser and the operating system. */
export function deviceName() {
  const { userAgent } = navigator;
  /** @param {[RegExp, string][]} known @param {string} other */
  const first = (known, other) => known.find(([pattern]) => pattern.test(userAgent))?.[1] ?? other;
  const browser = first(
    [
      [/Edg\//, "Edge"],
      [/OPR\//, "Opera"],
      [/Firefox\//, "Firefox"],
      [/Chrom(e|ium)\//, "Chrome"],
      [/Safari\//, "Safari"],
    ],
    "Browser",
  );
  const system = first(
    [
      [/Android/, "Android"],
      [/iPhone/, "iPhone"],
      [/iPad/, "iPad"],
      [/Windows/, "Windows"],
      [/Mac OS/, "Mac"],
      [/CrOS/, "ChromeOS"],
      [/Linux/, "Linux"],
    ],
    "",
  );
  return system ? `${browser} on ${system}` : browser;
}

/**
 * The device id of this tab: what it has stored, or a new one. It is stored before the first `hello`, so that a page
 * that is loaded again before the answer does not leave a device behind. A copied tab has the id of its original, which
 * holds a lock on it while it is open; the copy gets a new one.
 * @param {Pick<import("../store.js").Store, "deviceId" | "setDeviceId" | "setVolumeVersion">} store
 * @param {AbortSignal} over aborted when the id is no longer used
 * @param {LockManager | undefined} [locks] missing without HTTPS
 */
export async function claimId(store, over, locks = navigator.locks) {
  const stored = store.deviceId();
  if (stored && (await isFree(stored, over, locks))) return stored;
  const id = randomId();
  store.setDeviceId(id);
  store.setVolumeVersion(0);
  await isFree(id, over, locks);
  return id;
}

/**
 * Whether no other tab has this id; it is locked until this tab is closed or its user logs out.
 * @param {string} id @param {AbortSignal} over @param {LockManager | undefined} locks
 * @returns {Promise<boolean>}
 */
function isFree(id, over, locks) {
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    // The lock of the page before a reload may still be held for a moment.
    const signal = AbortSignal.timeout(RELOAD_MS);
    const held = locks.request(`segue-device-${id}`, { signal }, () => {
      resolve(true);
      return new Promise((release) => over.addEventListener("abort", release));
    });
    held.catch(() => resolve(false));
  });
}

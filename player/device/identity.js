/** What this page says of itself as a device. */

/** Media types that servers may ask about. */
const TYPES = [
  "audio/mpeg",
  "audio/flac",
  "audio/ogg; codecs=vorbis",
  "audio/ogg; codecs=opus",
  "audio/mp4; codecs=mp4a.40.2",
  "audio/wav",
];

/** An earlier life of a page has ended after so long, or is another tab. */
const RELOAD_MS = 400;

/** 64 random bits as 16 hex digits. */
export function randomId() {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return [...words].map((word) => word.toString(16).padStart(8, "0")).join("");
}

function codecs() {
  const element = new Audio();
  return TYPES.filter((type) => element.canPlayType(type) !== "");
}

/**
 * What this page says of itself in its `hello`.
 * @param {string | undefined} id @param {import("../store.js").Preferences} preferences
 * @returns {import("../rules/types.js").HelloDevice}
 */
export function describeDevice(id, { name, level, muted }) {
  return {
    id,
    instance: randomId(),
    name: name || deviceName(),
    kind: deviceKind(),
    plays: true,
    controls: true,
    codecs: codecs(),
    volume: { level, muted, version: 0 },
  };
}

function deviceKind() {
  return /Mobi|Android|iPhone|iPad/.test(navigator.userAgent) ? "phone" : "browser";
}

/** A name until a person chooses another: the browser and what it runs on. */
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
 * The id that this tab may use: a copied tab carries its original's, which is taken while that one is open.
 * @param {string | undefined} id @param {AbortSignal} over it is not used any more
 */
export async function claimId(id, over) {
  if (!id || !navigator.locks) return id;
  return new Promise((resolve) => {
    // A page that is loaded again may have to wait for its earlier life to end.
    const signal = AbortSignal.timeout(RELOAD_MS);
    const held = navigator.locks.request(`segue-device-${id}`, { signal }, () => {
      resolve(id);
      // Held until the tab is gone, or its user.
      return new Promise((release) => over.addEventListener("abort", release));
    });
    held.catch(() => resolve(undefined));
  });
}

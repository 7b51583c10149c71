/**
 * Media keys, lock screen and the title of the tab: shows the operating system what plays, and carries out its actions.
 */

import { own } from "./api.js";
import { catalogue } from "./catalogue.js";
import { names } from "./parts/text.js";
import { attempt } from "./parts/toast.js";
import { session } from "./session.js";

/** @param {import("./rules/types.js").Op} op */
const command = (op) => () => void attempt(() => session.current.command(op));
/** How far the system's forward and backward keys seek, in milliseconds. */
const STEP_MS = 10_000;
/**
 * The header of a WAV file of ten seconds with 8,000 bytes a second. Browsers take a file of up to five seconds for a
 * notification sound.
 */
const SILENCE = "UklGRqQ4AQBXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YYA4AQA=";

/** @type {HTMLAudioElement | undefined} */
let beside;
let isAllowed = false;

/** To be called during a person's action: some browsers let an element play only if it was played in one. */
export function allowMediaSession() {
  if (isAllowed || !navigator.mediaSession) return;
  isAllowed = true;
  beside ??= silence();
  if (!beside.paused) return;
  beside.play().catch((error) => {
    if (error.name === "NotAllowedError") isAllowed = false;
  });
  beside.pause();
}

export function startMediaSession() {
  const { mediaSession } = navigator;
  if (!mediaSession) return;
  /** @type {[MediaSessionAction, MediaSessionActionHandler][]} */
  const handlers = [
    ["play", command({ op: "play" })],
    ["pause", command({ op: "pause" })],
    ["stop", command({ op: "stop" })],
    ["nexttrack", command({ op: "next" })],
    ["previoustrack", command({ op: "previous" })],
    ["seekto", ({ seekTime = 0 }) => command({ op: "seek", position_ms: Math.round(seekTime * 1000) })()],
    ["seekforward", () => step(STEP_MS)],
    ["seekbackward", () => step(-STEP_MS)],
  ];
  for (const [action, handler] of handlers) {
    try {
      mediaSession.setActionHandler(action, handler);
    } catch {
      // A browser that does not know the action ignores it.
    }
  }
  let shown = "";
  const refresh = () => {
    const { playback, player } = session;
    const track = playback?.item && catalogue.track(playback.item.media_id);
    const isHere = player !== undefined && player.client.audio.kind !== "silent";
    if (isHere) beside ??= silence();
    if (isHere && beside?.paused) beside.play().catch(() => undefined);
    else if (!isHere) beside?.pause();
    // While nothing plays, the system must not show a place that advances.
    mediaSession.playbackState = !playback?.item
      ? "none"
      : session.isOn && playback.status === "playing"
        ? "playing"
        : "paused";
    if (shown !== (track?.id ?? "")) mediaSession.metadata = track ? described(track) : null;
    shown = track?.id ?? "";
    const duration_ms = playback?.item?.duration_ms;
    if (!duration_ms || !player) return mediaSession.setPositionState();
    const position = Math.min(player.place_ms(), duration_ms) / 1000;
    mediaSession.setPositionState({ duration: duration_ms / 1000, position, playbackRate: playback.rate });
  };
  session.watch(refresh);
  catalogue.watch(refresh);
}

/** @param {any} track */
function described(track) {
  const artwork = track.album.images.map((/** @type {any} */ image) => ({
    src: own(image.url),
    ...(image.width && image.height && { sizes: `${image.width}x${image.height}` }),
  }));
  return new MediaMetadata({ title: track.name, artist: names(track.artists), album: track.album.name, artwork });
}

/**
 * Browsers give media keys and the lock screen to the page that plays a media element. Decoded audio is none, so this
 * silent element plays beside it.
 */
function silence() {
  const head = Uint8Array.from(atob(SILENCE), (byte) => byte.charCodeAt(0));
  const element = new Audio(
    URL.createObjectURL(new Blob([head, new Uint8Array(80_000).fill(128)], { type: "audio/wav" })),
  );
  element.loop = true;
  return element;
}

/** Seeks forward or back in the item. @param {number} by_ms */
export function step(by_ms) {
  if (!session.playback?.item) return;
  const place_ms = session.player?.place_ms() ?? 0;
  void attempt(() => session.current.command({ op: "seek", position_ms: Math.max(0, Math.round(place_ms + by_ms)) }));
}

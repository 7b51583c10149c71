/** Keyboard keys, lock screens and the tab's title: what the system shows of the music and may ask for. */

import { own } from "./api.js";
import { catalogue } from "./catalogue.js";
import { names } from "./parts/text.js";
import { attempt } from "./parts/toast.js";
import { session } from "./session.js";

/** @param {import("./types.js").Op} op */
const wish = (op) => () => void attempt(() => session.current.wish(op));
/** How far the system's forward and backward keys go, in milliseconds. */
const STEP_MS = 10_000;

export function startMediaSession() {
  const { mediaSession } = navigator;
  if (!mediaSession) return;
  /** @type {[MediaSessionAction, MediaSessionActionHandler][]} */
  const handlers = [
    ["play", wish({ op: "play" })],
    ["pause", wish({ op: "pause" })],
    ["stop", wish({ op: "stop" })],
    ["nexttrack", wish({ op: "next" })],
    ["previoustrack", wish({ op: "previous" })],
    ["seekto", ({ seekTime = 0 }) => wish({ op: "seek", position_ms: Math.round(seekTime * 1000) })()],
    ["seekforward", () => step(STEP_MS)],
    ["seekbackward", () => step(-STEP_MS)],
  ];
  for (const [action, handler] of handlers) {
    try {
      mediaSession.setActionHandler(action, handler);
    } catch {
      // A browser that does not know the action goes without.
    }
  }
  let shown = "";
  const refresh = () => {
    const { playback } = session;
    const track = playback?.item && catalogue.track(playback.item.media_id);
    mediaSession.playbackState = !playback?.item ? "none" : session.isOn ? "playing" : "paused";
    if (track && track.id !== shown) {
      const artwork = track.album.images.map((/** @type {any} */ image) => ({ src: own(image.url), sizes: `${image.width}x${image.height}` }));
      mediaSession.metadata = new MediaMetadata({ title: track.name, artist: names(track.artists), album: track.album.name, artwork });
    }
    shown = track?.id ?? "";
    const duration_ms = playback?.item?.duration_ms;
    if (duration_ms && session.player) {
      const position = Math.min(session.player.place_ms(), duration_ms) / 1000;
      mediaSession.setPositionState({ duration: duration_ms / 1000, position, playbackRate: playback.rate });
    }
  };
  session.watch(refresh);
  catalogue.watch(refresh);
}

/** Goes forward or back in the item. @param {number} by_ms */
export function step(by_ms) {
  const place_ms = session.player?.place_ms() ?? 0;
  void attempt(() => session.current.wish({ op: "seek", position_ms: Math.max(0, Math.round(place_ms + by_ms)) }));
}

/** How numbers, times and names are written. */

/** `3:07`, `1:02:09`. @param {number} ms */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = `${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** `1 minute 3 seconds`, for screen readers. @param {number} ms */
export function spoken(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  return [minutes ? count(minutes, "minute") : "", count(seconds % 60, "second")].filter(Boolean).join(" ");
}

/** Codecs that many browsers cannot play, and `pcm` in an AIFF file. @type {Record<string, string>} */
const RARE = { wavpack: "WavPack", ape: "Monkey's Audio", musepack: "Musepack", speex: "Speex", alac: "ALAC" };

/** What the audio of a track is called, where many browsers cannot play it. @param {any} audio */
export function rareKind(audio) {
  return audio?.container === "aiff" ? "AIFF" : RARE[audio?.codec];
}

/** `1 track`, `2,000 tracks`. @param {number} number @param {string} noun */
export function count(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}

/** `42 min`, `3 h 5 min`. @param {number} ms */
export function length(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {string} rfc3339 */
export function day(rfc3339) {
  return new Date(rfc3339).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

/**
 * The year of an album; nothing when it is unknown.
 * @param {{release_date: string}} album
 */
export function year(album) {
  const digits = album.release_date.slice(0, 4);
  return digits === "0000" ? undefined : digits;
}

/** @param {{name: string}[]} artists */
export function names(artists) {
  return artists.map((artist) => artist.name).join(", ");
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** What people do with music: play tracks, queue them, save them, add them to playlists. */

import { all, tracksIn } from "./api.js";
import { catalogue } from "./catalogue.js";
import { h } from "./parts/dom.js";
import { openMenu } from "./parts/menu.js";
import { listAt } from "./parts/pages.js";
import { attempt, loaded, toast } from "./parts/toast.js";
import { count, names } from "./parts/text.js";
import { outside } from "./root.js";
import { routes } from "./routes.js";
import { session } from "./session.js";

/** The most tracks in one command. */
export const MOST_TRACKS = 500;
/** The most entries of a queue. */
export const MOST_QUEUED = 10_000;
/**
 * @typedef {{
 *   path?: string, list?: object, total?: number, get: (index: number) => any, from: (index: number) => any[]
 * }} Tracks a list of tracks; if it has a `path`, it may be loaded in part only; `list` is its name in commands
 */

/** The tracks of a list, up to `most`. @param {Tracks} list @param {number} [most] @returns {Promise<any[]>} */
export async function tracksOf(list, most = MOST_TRACKS) {
  return tracksIn(list.path && !session.current.isAway ? await all(list.path, most) : list.from(0).slice(0, most));
}

/** Plays a list, from one of its tracks on or from the beginning. @param {Tracks} source @param {number} [start] */
export function playFrom(source, start) {
  const { list } = source;
  const at = start ?? 0;
  if (list && !session.current.isAway) {
    const [track] = tracksIn([source.get(at)]);
    return playList(source, start === undefined ? { start: 0 } : { start, track: track?.id });
  }
  const tracks = source.from(0);
  return tracks.length > at ? playTracks(tracksIn(tracks), at) : playTracks(tracksIn(source.from(at)));
}

/**
 * Plays a list that the server keeps: one command, whatever its length.
 * @param {{list?: object, total?: number}} source @param {{start?: number, track?: string, shuffle?: boolean}} how
 */
function playList({ list, total = 0 }, how) {
  return attempt(async () => {
    const { queue_length } = await session.current.command({ op: "play.list", list, ...how });
    const isCut = queue_length !== undefined && queue_length < total;
    if (isCut && !how.track) toast(`The queue has ${queue_length.toLocaleString()} of ${count(total, "track")}.`);
  });
}

/** Plays the list at a path, of which no track is loaded. @param {string} path @param {number} total */
export function playAt(path, total) {
  if (!session.current.isAway) return playList({ list: listAt(path), total }, { start: 0 });
  return attempt(async () => playTracks(tracksIn(await all(path, MOST_TRACKS))));
}

/**
 * Replaces the queue by these tracks, and plays from the one at `start` on.
 * @param {any[]} tracks @param {number} [start]
 */
export function playTracks(tracks, start = 0) {
  const playable = tracks.filter((track) => track?.is_playable !== false);
  const first = tracks[start];
  if (playable.length === 0) return toast("None of these tracks can be played: their files are missing.", "wrong");
  const at = Math.max(0, playable.indexOf(first));
  // A command has a limit: tracks before the chosen one are left out first.
  const from = playable.length > MOST_TRACKS ? Math.min(at, playable.length - MOST_TRACKS) : 0;
  const some = playable.slice(from, from + MOST_TRACKS);
  some.forEach((track) => catalogue.learn(track));
  const op = { op: "play", tracks: some.map((track) => track.id), start: at - from };
  return attempt(() => session.current.command(op));
}

/** Plays a list in random order. @param {Tracks} source */
export function playShuffled(source) {
  if (source.list && !session.current.isAway) return playList(source, { shuffle: true });
  const tracks = tracksIn(source.from(0));
  if (session.current.isAway) return playTracks(mixed(tracks));
  return attempt(async () => {
    await session.current.command({ op: "shuffle", on: true });
    await playTracks(tracks, Math.floor(Math.random() * tracks.length));
  });
}

/** In random order. @param {any[]} tracks */
function mixed(tracks) {
  const order = tracks.map((track) => ({ track, chance: Math.random() }));
  return order.sort((a, b) => a.chance - b.chance).map(({ track }) => track);
}

/**
 * Adds tracks to the queue, by several commands if they are many, as far as there is room.
 * @param {any[]} tracks @param {boolean} soon after the current track, not at the end
 * @param {number} [total] the length of the list of which these are the first
 */
export function enqueue(tracks, soon, total = tracks.length) {
  const room = MOST_QUEUED - (session.playback?.queue_length ?? 0);
  const ids = tracks.slice(0, Math.max(0, room)).map((track) => track.id);
  if (ids.length === 0 && tracks.length > 0)
    return toast(`The queue is full: it holds ${count(MOST_QUEUED, "track")}. Remove some first.`, "wrong");
  const after = soon ? session.playback?.item?.id : undefined;
  const parts = Array.from({ length: Math.ceil(ids.length / MOST_TRACKS) }, (_, part) =>
    ids.slice(part * MOST_TRACKS, (part + 1) * MOST_TRACKS),
  );
  // Each part is put right after the current track, so the last one goes first.
  if (after) parts.reverse();
  const done = soon ? "play next" : "were added to the queue";
  const cut = `The first ${ids.length.toLocaleString()} of ${count(total, "track")} ${done}.`;
  return attempt(
    async () => {
      for (const part of parts)
        await session.current.command({ op: "queue.insert", tracks: part, ...(after ? { after } : {}) });
    },
    total > ids.length ? cut : soon ? "Plays next." : "Added to the queue.",
  );
}

/** Plays or pauses. @param {"play" | "pause"} [op] what the control showed that a person pressed */
export function togglePlay(op = session.isOn ? "pause" : "play") {
  return attempt(() => session.current.command({ op }));
}

/** @param {string} id @param {boolean} saved */
export function save(id, saved) {
  return attempt(() => catalogue.save(id, saved), saved ? "Saved." : "Removed from saved.");
}

/** Asks for a playlist, and adds these tracks to it. @param {any[]} tracks */
export function addToPlaylist(tracks) {
  return attempt(async () => (await loaded(import("./parts/playlist_dialogs.js"))).addToPlaylist(tracks));
}

/** Puts a text on the clipboard. @param {string} text @param {string} done */
export function copyText(text, done) {
  return attempt(async () => {
    // Browsers have a clipboard for HTTPS and the own machine only; elsewhere a selection is copied.
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = h("textarea", { value: text, class: "unseen" });
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    if (!isCopied) throw new Error(`This browser does not let the page copy it: ${text}`);
    return undefined;
  }, done);
}

/** Copies the whole address of something, for other users of this server. @param {string} address */
export const copyLink = (address) => copyText(new URL(outside(address), location.href).href, "The link is copied.");

/**
 * Opens the menu of a track at its button.
 * @param {HTMLElement} button @param {any} track @param {import("./parts/menu.js").Entry[]} [more]
 * @param {{clientX: number, clientY: number}} [pointer] where the menu opens, instead of at the button
 */
export function trackMenu(button, track, more = [], pointer = undefined) {
  const isSaved = catalogue.saved.get(track.id) === true;
  openMenu(
    button,
    [
      ...more,
      { label: "Play next", icon: "next", act: () => void enqueue([track], true) },
      { label: "Add to queue", icon: "queue", act: () => void enqueue([track], false) },
      { label: "Add to playlist…", icon: "playlist", act: () => void addToPlaylist([track]) },
      { label: isSaved ? "Remove from saved" : "Save", icon: "heart", act: () => void save(track.id, !isSaved) },
      { label: "Copy link", icon: "link", act: () => void copyLink(`/track/${track.id}`) },
      { label: "Go to album", icon: "album", act: () => routes.go(`/album/${track.album.id}`) },
      track.artists[0] && {
        label: `Go to ${track.artists[0].name}`,
        icon: "artist",
        act: () => routes.go(`/artist/${track.artists[0].id}`),
      },
    ],
    `${track.name} by ${names(track.artists)}`,
    pointer,
  );
}

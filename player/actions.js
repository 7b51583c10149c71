/** What people do with music: play it, queue it, keep it. */

import { ask } from "./api.js";
import { catalogue } from "./catalogue.js";
import { askPerson } from "./parts/dialog.js";
import { openMenu } from "./parts/menu.js";
import { attempt, toast } from "./parts/toast.js";
import { names } from "./parts/text.js";
import { routes } from "./routes.js";
import { session } from "./session.js";

/** Most tracks in one command. */
export const MOST_TRACKS = 500;

/** Plays these tracks in place of the queue, from the one at `start` on. @param {any[]} tracks @param {number} [start] */
export function playTracks(tracks, start = 0) {
  const playable = tracks.filter((track) => track?.is_playable !== false);
  const first = tracks[start];
  if (playable.length === 0) return toast("None of these tracks can be played: their files are missing.", "wrong");
  const at = Math.max(0, playable.indexOf(first));
  // A command has a limit; what lies before the chosen track is given up first.
  const from = playable.length > MOST_TRACKS ? Math.min(at, playable.length - MOST_TRACKS) : 0;
  const some = playable.slice(from, from + MOST_TRACKS);
  some.forEach((track) => catalogue.learn(track));
  const op = { op: "play", tracks: some.map((track) => track.id), start: at - from };
  return attempt(() => session.current.wish(op));
}

/** @param {any[]} tracks */
export function playShuffled(tracks) {
  const start = Math.floor(Math.random() * tracks.length);
  if (session.current.isAway) return playTracks(mixed(tracks));
  return attempt(async () => {
    await session.current.wish({ op: "shuffle", on: true });
    await playTracks(tracks, start);
  });
}

/** In an order of chance. @param {any[]} tracks */
function mixed(tracks) {
  const order = tracks.map((track) => ({ track, chance: Math.random() }));
  return order.sort((a, b) => a.chance - b.chance).map(({ track }) => track);
}

/** @param {any[]} tracks @param {boolean} soon right after what plays, not at the end */
export function enqueue(tracks, soon) {
  const after = soon ? session.playback?.item?.id : undefined;
  const ids = tracks.slice(0, MOST_TRACKS).map((track) => track.id);
  const op = { op: "queue.insert", tracks: ids, ...(after ? { after } : {}) };
  return attempt(() => session.current.wish(op), soon ? "Plays next." : "Added to the queue.");
}

export function togglePlay() {
  return attempt(() => session.current.wish({ op: session.isOn ? "pause" : "play" }));
}

/** @param {string} id @param {boolean} saved */
export function save(id, saved) {
  return attempt(() => catalogue.save(id, saved), saved ? "Saved." : "Not saved any more.");
}

/** @param {any[]} tracks */
export async function addToPlaylist(tracks) {
  await attempt(async () => {
    const { items } = await ask("/me/playlists?limit=50");
    /** @type {[string, string][]} */
    const options = [...items.map((/** @type {any} */ list) => [list.id, list.name]), ["", "A new playlist…"]];
    const answer = await askPerson({
      title: tracks.length === 1 ? `Add “${tracks[0].name}”` : `Add ${tracks.length} tracks`,
      fields: [{ name: "to", label: "Playlist", options }],
      yes: "Add",
    });
    if (!answer) return;
    const id = answer.to || (await createPlaylist())?.id;
    if (!id) return;
    await ask(`/playlists/${id}/tracks`, { method: "POST", json: { uris: tracks.map((track) => track.uri) } });
    toast("Added to the playlist.");
  });
}

/** @returns {Promise<any>} the new playlist, or nothing when the person thought better of it */
export async function createPlaylist() {
  const fields = [{ name: "name", label: "Name", required: true, maxlength: 100 }];
  let made;
  const act = async (/** @type {Record<string, string>} */ { name }) => { made = await ask("/me/playlists", { method: "POST", json: { name } }); };
  await askPerson({ title: "New playlist", fields, yes: "Make", act });
  return made;
}

/** What can be done with a track, at its button. @param {HTMLElement} button @param {any} track @param {import("./parts/menu.js").Entry[]} [more] */
export function trackMenu(button, track, more = []) {
  const isSaved = catalogue.saved.get(track.id) === true;
  openMenu(
    button,
    [
      ...more,
      { label: "Play next", icon: "next", act: () => void enqueue([track], true) },
      { label: "Add to queue", icon: "queue", act: () => void enqueue([track], false) },
      { label: "Add to playlist…", icon: "playlist", act: () => void addToPlaylist([track]) },
      { label: isSaved ? "Remove from saved" : "Save", icon: "heart", act: () => void save(track.id, !isSaved) },
      { label: "Go to album", icon: "album", act: () => routes.go(`/album/${track.album.id}`) },
      track.artists[0] && { label: `Go to ${track.artists[0].name}`, icon: "artist", act: () => routes.go(`/artist/${track.artists[0].id}`) },
    ],
    `${track.name} by ${names(track.artists)}`,
  );
}

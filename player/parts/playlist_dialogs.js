/** Dialogs that create playlists and add tracks to them. */

import { all, ask } from "../api.js";
import { askPerson } from "./dialog.js";
import { count } from "./text.js";
import { toast } from "./toast.js";

/** The most tracks that one request adds to a playlist. */
const MOST_ADDED = 100;
/** The most playlists that are offered. */
const MOST_PLAYLISTS = 2_000;

/** Asks for a playlist, and adds these tracks to it. @param {any[]} tracks */
export async function addToPlaylist(tracks) {
  const playlists = await all("/me/playlists", MOST_PLAYLISTS);
  /** @type {[string, string][]} */
  const options = playlists.map((/** @type {any} */ list) => [list.id, list.name]);
  options.push(["", "A new playlist…"]);
  const answer = await askPerson({
    title: tracks.length === 1 ? `Add “${tracks[0].name}”` : `Add ${count(tracks.length, "track")}`,
    fields: [{ name: "to", label: "Playlist", options }],
    yes: "Add",
  });
  if (!answer) return;
  const id = answer.to || (await createPlaylist())?.id;
  if (!id) return;
  const uris = tracks.map((track) => track.uri);
  for (let at = 0; at < uris.length; at += MOST_ADDED) {
    await ask(`/playlists/${id}/tracks`, { method: "POST", json: { uris: uris.slice(at, at + MOST_ADDED) } }).catch(
      (error) => {
        throw at ? new Error(`Only the first ${count(at, "track")} were added. ${error.message}`) : error;
      },
    );
  }
  toast("Added to the playlist.");
}

/** @returns {Promise<any>} the new playlist; nothing when the person cancelled */
export async function createPlaylist() {
  const fields = [{ name: "name", label: "Name", required: true, maxlength: 100 }];
  let made;
  const act = async (/** @type {Record<string, string>} */ { name }) => {
    made = await ask("/me/playlists", { method: "POST", json: { name } });
  };
  await askPerson({ title: "New playlist", fields, yes: "Create", act });
  return made;
}

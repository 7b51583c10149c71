/**
 * What this browser showed last of the music: stored while it is shown, and shown again by a page that is loaded while
 * the server is away. Loaded when there is something to store or to show.
 */

import { catalogue } from "../catalogue.js";
import { SHOWN, read, store, write } from "../store.js";
import { LEARNT } from "./keep_ahead.js";

/** @import {Playback, QueuePage} from "../rules/types.js" */
/** @import {Player} from "./player.js" */

/** The pages of the queue that are stored. */
const STORED_PAGES = 5;

/** @typedef {{user?: string, playback: Playback, pages: QueuePage[], tracks: any[]}} Shown tracks of the queue */

/** What was stored last. */
let key = "";

/** Stores what a page shows, unless that is stored. @param {Player} player @param {boolean} [isLast] */
export function keepShown(player, isLast = false) {
  const { client, queue } = player;
  const { view } = client;
  if (client.standalone || !view || view === client.stored || client.link.phase === "over") return;
  const { epoch, revision, item, status } = view;
  const shown = [epoch, revision, item?.id, status, queue.pages.size, catalogue.tracks.size].join();
  if (shown === key && !isLast) return;
  key = shown;
  if (!view.item || !store.session) return write(localStorage, SHOWN, undefined);
  const known = queue.known();
  const at = Math.max(
    0,
    known.findIndex(({ id }) => id === view.item?.id),
  );
  const near = [view.item, view.next, ...known.slice(at, at + LEARNT)].flatMap((item) => item?.media_id ?? []);
  const tracks = [...new Set(near)].map((id) => catalogue.known(id)).filter(Boolean);
  /** @type {Playback} */
  const playback = {
    ...view,
    intent: "pause",
    status: "paused",
    position_ms: Math.round(player.place_ms()),
    after: [],
  };
  delete playback.active;
  delete playback.transfer;
  const pages = [...queue.pages.values()].sort((a, b) => a.from - b.from).slice(0, STORED_PAGES);
  write(localStorage, SHOWN, { user: store.session.user.id, playback, pages, tracks });
}

/** Shows what was stored of the same user. @param {Player} player */
export function restoreShown(player) {
  /** @type {Shown | null} */
  const shown = read(localStorage, SHOWN);
  const { client } = player;
  if (!shown || shown.user !== store.session?.user.id || client.playback || client.stored) return;
  for (const track of shown.tracks) if (!catalogue.known(track.id)) catalogue.learn(track, 0);
  client.stored = shown.playback;
  player.queue.show(shown.playback);
  for (const page of shown.pages) player.queue.add(page);
  client.ahead = player.queue.known();
  player.changed();
}

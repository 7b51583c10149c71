/**
 * What this browser showed last of the music: stored while it is shown, and shown again by a page that is loaded while
 * the server is away. Loaded when there is something to store or to show.
 */

import { catalogue } from "../catalogue.js";
import { SHOWN, read, store, write } from "../store.js";
import { LEARNT } from "./keep_ahead.js";
import { QueuePages } from "./queue_pages.js";

/** @import {Item, Playback, QueuePage} from "../rules/types.js" */
/** @import {Player} from "./player.js" */

/** The pages of the queue that are stored. */
const STORED_PAGES = 5;
/** The tracks before the current one that are stored. */
const STORED_BEFORE = 10;

/**
 * `tracks` of the queue; `areEntries`: whether the items are entries of the session's queue, not kept tracks that were
 * started without the server.
 * @typedef {{user?: string, playback: Playback, pages: QueuePage[], tracks: any[], areEntries?: boolean}} Shown
 */

/** What was stored last. */
let key = "";

/** Stores what a page shows, unless that is stored. @param {Player} player @param {boolean} [isLast] */
export function keepShown(player, isLast = false) {
  const { client, queue } = player;
  const { view, standalone } = client;
  if (!view || view === client.stored || client.link.phase === "over") return;
  const { epoch, revision, item, status } = view;
  const shown = [epoch, revision, item?.id, status, queue.pages.size, catalogue.tracks.size, standalone?.turns].join();
  if (shown === key && !isLast) return;
  key = shown;
  if (!view.item || !store.session) return write(localStorage, SHOWN, undefined);
  const areEntries = standalone ? standalone.areEntries : !client.stored || player.areStoredEntries;
  const known = areEntries || !standalone ? queue.known() : standalone.items;
  const at = Math.max(
    0,
    known.findIndex(({ id }) => id === view.item?.id),
  );
  const near = [view.item, view.next, ...known.slice(Math.max(0, at - STORED_BEFORE), at + LEARNT)].flatMap(
    (item) => item?.media_id ?? [],
  );
  const tracks = [...new Set(near)].map((id) => catalogue.known(id)).filter(Boolean);
  /** @type {Playback} */
  const playback = {
    ...view,
    ...(standalone?.areEntries ? queueOf(client.playback ?? client.stored ?? view) : {}),
    intent: "pause",
    status: "paused",
    position_ms: Math.round(player.place_ms()),
    after: [],
  };
  delete playback.active;
  delete playback.transfer;
  const pages = areEntries || !standalone ? [...queue.pages.values()] : pagesOf(known, playback);
  pages.sort((a, b) => a.from - b.from);
  const user = store.session.user.id;
  write(localStorage, SHOWN, { user, playback, pages: pages.slice(0, STORED_PAGES), tracks, areEntries });
}

/** What a playback says of the session's queue. @param {Playback} playback */
const queueOf = ({ epoch, queue_revision, queue_length }) => ({ epoch, queue_revision, queue_length });

/** @param {Item[]} items @param {Playback} playback @returns {QueuePage[]} */
function pagesOf(items, { epoch, queue_revision }) {
  const pages = new QueuePages();
  pages.revision = queue_revision;
  pages.addLong({ epoch, from: 0, total: items.length, queue_revision, items });
  return [...pages.pages.values()];
}

/** Shows what was stored of the same user. @param {Player} player */
export function restoreShown(player) {
  /** @type {Shown | null} */
  const shown = read(localStorage, SHOWN);
  const { client } = player;
  if (!shown || shown.user !== store.session?.user.id || client.playback || client.stored) return;
  for (const track of shown.tracks) if (!catalogue.known(track.id)) catalogue.learn(track, 0);
  client.stored = shown.playback;
  player.areStoredEntries = shown.areEntries !== false;
  player.queue.show(shown.playback);
  for (const page of shown.pages) player.queue.add(page);
  client.ahead = player.queue.known();
  player.changed();
}

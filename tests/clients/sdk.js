/**
 * Calls every method of Spotify's TypeScript SDK, and checks what each one does. Prints a line for each: its name and
 * `works`, or `without` and the notion that Segue has not.
 */

import assert from "node:assert/strict";
import { SpotifyApi } from "@spotify/web-api-ts-sdk";

const { URL: base, TOKEN: token, DESK: desk, ATTIC: attic } = process.env;
const NONE = "0000000000000001";
const SPOTIFY = "https://api.spotify.com";
const api = SpotifyApi.withAccessToken(
  "segue",
  { access_token: token, token_type: "Bearer", expires_in: 3600, refresh_token: "", expires: Date.now() + 3_600_000 },
  { fetch: (address, options) => fetch(String(address).replace(SPOTIFY, base), options) },
);
const done = new Map();

/** A check of these methods; it fails by an assertion. */
async function works(names, check) {
  await check();
  for (const name of names.split(" ")) done.set(name, "works");
}

/** Each of these calls must be refused with 501 for want of this notion. */
async function without(notion, calls) {
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(
      call,
      (error) => error.message.includes("501") && error.message.includes(`Segue has no ${notion}`),
      name,
    );
    done.set(name, `without ${notion}`);
  }
}

const ids = (things) => things.map(({ id }) => id);
const found = await api.search("Piece", ["track"], undefined, 50);
const tracks = found.tracks.items.sort((one, other) => one.name.localeCompare(other.name));
assert.equal(tracks.length, 9);
const [first, second, third] = tracks;
const { album, artists } = first;
const [artist] = artists;
const me = await api.currentUser.profile();
const [a, b, c] = ids(tracks);

await works("search tracks.get albums.get albums.tracks", async () => {
  assert.equal((await api.tracks.get(a)).name, first.name);
  assert.deepEqual(ids(await api.tracks.get([b, a])), [b, a]);
  const full = await api.albums.get(album.id);
  assert.deepEqual(await api.albums.get([album.id]), [full]);
  assert.deepEqual([full.name, ids(full.tracks.items)], ["Album 0", [a, b, c]]);
  assert.deepEqual(ids((await api.albums.tracks(album.id, "DE", 2, 1)).items), [b, c]);
});
await works("artists.get artists.albums artists.topTracks", async () => {
  assert.equal((await api.artists.get(artist.id)).name, "Artist 0");
  assert.deepEqual(ids(await api.artists.get([artist.id])), [artist.id]);
  assert.deepEqual(ids((await api.artists.albums(artist.id, "album")).items), [album.id]);
  assert.equal((await api.artists.albums(artist.id, "single")).total, 0);
  assert.ok((await api.artists.topTracks(artist.id, "DE")).tracks.every((track) => track.artists[0].id === artist.id));
});
await works("currentUser.profile users.profile currentUser.topItems player.getRecentlyPlayedTracks", async () => {
  assert.deepEqual([me.display_name, (await api.users.profile(me.id)).id], ["anna", me.id]);
  assert.equal((await api.currentUser.topItems("tracks", "short_term")).items[0].name, "Short");
  assert.equal((await api.currentUser.topItems("artists")).items[0].name, "Briefly");
  assert.equal((await api.player.getRecentlyPlayedTracks(1)).items[0].track.name, "Short");
});
await works(
  "playlists.createPlaylist playlists.getPlaylist playlists.getPlaylistItems playlists.changePlaylistDetails " +
    "playlists.movePlaylistItems playlists.updatePlaylistItems playlists.addItemsToPlaylist " +
    "playlists.removeItemsFromPlaylist playlists.getUsersPlaylists currentUser.playlists.playlists " +
    "currentUser.playlists.unfollow",
  async () => {
    const made = await api.playlists.createPlaylist(me.id, { name: "Mine", public: false });
    const now = async () => ids((await api.playlists.getPlaylistItems(made.id)).items.map(({ track }) => track));
    await api.playlists.addItemsToPlaylist(made.id, [first.uri, third.uri]);
    await api.playlists.addItemsToPlaylist(made.id, [second.uri], 1);
    assert.deepEqual(await now(), [a, b, c]);
    await api.playlists.movePlaylistItems(made.id, 0, 1, 3);
    assert.deepEqual(await now(), [b, c, a]);
    await api.playlists.removeItemsFromPlaylist(made.id, { tracks: [{ uri: second.uri }] });
    await api.playlists.updatePlaylistItems(made.id, { range_start: 0, insert_before: 2 });
    assert.deepEqual(await now(), [a, c]);
    await api.playlists.changePlaylistDetails(made.id, { name: "Renamed" });
    const full = await api.playlists.getPlaylist(made.id);
    assert.deepEqual([full.name, full.tracks.items[1].track.id], ["Renamed", c]);
    assert.deepEqual(await api.playlists.getPlaylist(made.id, undefined, "name"), { name: "Renamed" });
    assert.deepEqual(ids((await api.playlists.getUsersPlaylists(me.id)).items), [made.id]);
    await api.currentUser.playlists.unfollow(made.id);
    assert.equal((await api.currentUser.playlists.playlists()).total, 0);
  },
);
await works(
  "currentUser.tracks.savedTracks currentUser.tracks.saveTracks currentUser.tracks.removeSavedTracks " +
    "currentUser.tracks.hasSavedTracks",
  async () => {
    await api.currentUser.tracks.saveTracks([a]);
    assert.equal((await api.currentUser.tracks.savedTracks()).items[0].track.id, a);
    assert.deepEqual(await api.currentUser.tracks.hasSavedTracks([b, a]), [false, true]);
    await api.currentUser.tracks.removeSavedTracks([a]);
    assert.equal((await api.currentUser.tracks.savedTracks()).total, 0);
  },
);
await works(
  "currentUser.albums.savedAlbums currentUser.albums.saveAlbums currentUser.albums.removeSavedAlbums " +
    "currentUser.albums.hasSavedAlbums",
  async () => {
    await api.currentUser.albums.saveAlbums([album.id]);
    assert.equal((await api.currentUser.albums.savedAlbums()).items[0].album.id, album.id);
    assert.deepEqual(await api.currentUser.albums.hasSavedAlbums([NONE, album.id]), [false, true]);
    await api.currentUser.albums.removeSavedAlbums([album.id]);
    assert.equal((await api.currentUser.albums.savedAlbums()).total, 0);
  },
);
await works(
  "currentUser.followedArtists currentUser.followArtistsOrUsers currentUser.unfollowArtistsOrUsers " +
    "currentUser.followsArtistsOrUsers",
  async () => {
    await api.currentUser.followArtistsOrUsers([artist.id], "artist");
    assert.deepEqual(ids((await api.currentUser.followedArtists()).artists.items), [artist.id]);
    assert.deepEqual(await api.currentUser.followsArtistsOrUsers([NONE, artist.id], "artist"), [false, true]);
    await api.currentUser.unfollowArtistsOrUsers([artist.id], "artist");
    assert.equal((await api.currentUser.followedArtists()).artists.total, 0);
    await assert.rejects(api.currentUser.followArtistsOrUsers([me.id], "user"), /501.*Segue has no users/s);
  },
);
await works(
  "player.getAvailableDevices player.startResumePlayback player.getPlaybackState player.getCurrentlyPlayingTrack " +
    "player.getUsersQueue player.addItemToPlaybackQueue player.pausePlayback player.skipToNext player.skipToPrevious " +
    "player.seekToPosition player.setRepeatMode player.setPlaybackVolume player.togglePlaybackShuffle " +
    "player.transferPlayback",
  async () => {
    const { player } = api;
    assert.deepEqual(ids((await player.getAvailableDevices()).devices).sort(), [desk, attic].sort());
    await player.startResumePlayback(desk, undefined, [second.uri, third.uri], { position: 1 });
    assert.equal((await player.getPlaybackState()).item.id, c);
    await player.startResumePlayback(desk, album.uri, undefined, { uri: second.uri });
    assert.equal((await player.getCurrentlyPlayingTrack()).item.id, b);
    await player.addItemToPlaybackQueue(tracks[5].uri);
    assert.deepEqual(ids((await player.getUsersQueue()).queue), [c, tracks[5].id]);
    await player.skipToNext(desk);
    assert.equal((await player.getPlaybackState()).item.id, c);
    await player.skipToPrevious(desk);
    await player.pausePlayback(desk);
    await player.seekToPosition(4_321);
    await player.setRepeatMode("context");
    await player.togglePlaybackShuffle(false);
    await player.setPlaybackVolume(21, attic);
    const state = await player.getPlaybackState();
    assert.deepEqual(
      [state.item.id, state.is_playing, state.progress_ms, state.repeat_state, state.shuffle_state],
      [b, false, 4_321, "context", false],
    );
    assert.equal((await player.getAvailableDevices()).devices.find(({ id }) => id === attic).volume_percent, 21);
    await player.transferPlayback([attic], false);
    while ((await player.getPlaybackState()).device.id !== attic) await new Promise(setImmediate);
    await player.startResumePlayback(desk, undefined, [first.uri]);
    assert.equal((await player.getPlaybackState()).item.id, a);
  },
);
const { shows, episodes, audiobooks, playlists } = api.currentUser;
await without("shows", {
  "shows.get": () => api.shows.get(NONE, "DE"),
  "shows.episodes": () => api.shows.episodes(NONE),
  "currentUser.shows.savedShows": () => shows.savedShows(),
  "currentUser.shows.saveShows": () => shows.saveShows([NONE]),
  "currentUser.shows.removeSavedShows": () => shows.removeSavedShows([NONE]),
  "currentUser.shows.hasSavedShow": () => shows.hasSavedShow([NONE]),
});
await without("episodes", {
  "episodes.get": () => api.episodes.get(NONE, "DE"),
  "currentUser.episodes.savedEpisodes": () => episodes.savedEpisodes(),
  "currentUser.episodes.saveEpisodes": () => episodes.saveEpisodes([NONE]),
  "currentUser.episodes.removeSavedEpisodes": () => episodes.removeSavedEpisodes([NONE]),
  "currentUser.episodes.hasSavedEpisodes": () => episodes.hasSavedEpisodes([NONE]),
});
await without("audiobooks", {
  "audiobooks.get": () => api.audiobooks.get(NONE),
  "audiobooks.getAudiobookChapters": () => api.audiobooks.getAudiobookChapters(NONE),
  "currentUser.audiobooks.savedAudiobooks": () => audiobooks.savedAudiobooks(),
  "currentUser.audiobooks.saveAudiobooks": () => audiobooks.saveAudiobooks([NONE]),
  "currentUser.audiobooks.removeSavedAudiobooks": () => audiobooks.removeSavedAudiobooks([NONE]),
  "currentUser.audiobooks.hasSavedAudiobooks": () => audiobooks.hasSavedAudiobooks([NONE]),
});
await without("chapters", { "chapters.get": () => api.chapters.get(NONE, "GB") });
await without("categories", {
  "browse.getCategories": () => api.browse.getCategories(),
  "browse.getCategory": () => api.browse.getCategory("x"),
  "browse.getPlaylistsForCategory": () => api.browse.getPlaylistsForCategory("x"),
});
await without("new releases", { "browse.getNewReleases": () => api.browse.getNewReleases() });
await without("featured playlists", { "browse.getFeaturedPlaylists": () => api.browse.getFeaturedPlaylists() });
await without("recommendations", {
  "recommendations.get": () => api.recommendations.get({ seed_tracks: [NONE] }),
  "recommendations.genreSeeds": () => api.recommendations.genreSeeds(),
});
await without("audio features", { "tracks.audioFeatures": () => api.tracks.audioFeatures(a) });
await without("audio analysis", { "tracks.audioAnalysis": () => api.tracks.audioAnalysis(a) });
await without("related artists", { "artists.relatedArtists": () => api.artists.relatedArtists(artist.id) });
await without("markets", { "markets.getAvailableMarkets": () => api.markets.getAvailableMarkets() });
await without("pictures of playlists", {
  "playlists.getPlaylistCoverImage": () => api.playlists.getPlaylistCoverImage(NONE),
  "playlists.addCustomPlaylistCoverImageFromBase64String": () =>
    api.playlists.addCustomPlaylistCoverImageFromBase64String(NONE, "aGVsbG8="),
  // A browser's classes of pictures are not there.
  "playlists.addCustomPlaylistCoverImage": () => api.playlists.addCustomPlaylistCoverImage(NONE, Buffer.from("hello")),
});
await without("followers of playlists", {
  "currentUser.playlists.follow": () => playlists.follow(NONE),
  "currentUser.playlists.isFollowing": () => playlists.isFollowing(NONE, [me.id]),
});

const methods = new Set(["search"]);
function collect(group, prefix) {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(group))) {
    if (name !== "constructor") methods.add(prefix + name);
  }
}
for (const [name, group] of Object.entries(api)) {
  if (name.startsWith("sdk") || name.startsWith("auth") || typeof group !== "object") continue;
  collect(group, `${name}.`);
  if (name === "currentUser") {
    for (const [inner, part] of Object.entries(group)) if (inner !== "api") collect(part, `${name}.${inner}.`);
  }
}
assert.deepEqual([...done.keys()].sort(), [...methods].sort());
for (const [name, outcome] of done) console.log(`${name} ${outcome}`);

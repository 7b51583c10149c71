"""Calls every method of spotipy, and checks what each one does. Prints a line for each: its name and `works`, or
`without` and the notion that Segue has not."""
import inspect
import os
import re
import warnings

import spotipy

warnings.simplefilter("ignore")
URL, TOKEN, DESK, ATTIC = (os.environ[name] for name in ("URL", "TOKEN", "DESK", "ATTIC"))
sp = spotipy.Spotify(auth=TOKEN, retries=0, status_retries=0)
sp.prefix = URL + "/v1/"
spotipy.client.logger.disabled = True
NONE = "0000000000000001"
done = {}


def works(*names):
    """A check of these methods; it fails by an assertion."""
    def run(check):
        check()
        done.update(dict.fromkeys(names, "works"))
    return run


def without(notion, **calls):
    """Each of these calls must be refused with 501 for want of this notion."""
    for name, call in calls.items():
        try:
            call(getattr(sp, name))
        except spotipy.SpotifyException as error:
            found = re.search("Segue has no (.*)", error.msg)
            assert error.http_status == 501 and found and found[1].startswith(notion), (name, error)
        else:
            raise AssertionError(f"{name} was answered")
        done[name] = "without " + notion


def ids(things):
    return [thing["id"] for thing in things]


all_tracks = sorted(sp.search("Piece", limit=50)["tracks"]["items"], key=lambda track: track["name"])
assert len(all_tracks) == 9, len(all_tracks)
first, second, third = all_tracks[:3]
album, artist = first["album"], first["artists"][0]
me = sp.me()


@works("track", "tracks", "set_auth")
def _():
    sp.set_auth(TOKEN)
    assert sp.track(first["uri"])["name"] == first["name"] and sp.track(first["id"], market="DE")["id"] == first["id"]
    assert ids(sp.tracks([second["id"], first["uri"]])["tracks"]) == [second["id"], first["id"]]


@works("artist", "artists", "artist_albums", "artist_top_tracks")
def _():
    assert sp.artist(artist["uri"])["name"] == artist["name"] == "Artist 0"
    assert ids(sp.artists([artist["id"]])["artists"]) == [artist["id"]]
    assert ids(sp.artist_albums(artist["id"], include_groups="album")["items"]) == [album["id"]]
    assert sp.artist_albums(artist["id"], include_groups="single")["items"] == []
    assert {track["artists"][0]["id"] for track in sp.artist_top_tracks(artist["id"])["tracks"]} <= {artist["id"]}


@works("album", "albums", "album_tracks", "next", "previous")
def _():
    full = sp.album(album["uri"], market="DE")
    assert full["name"] == "Album 0" and len(full["tracks"]["items"]) == 3
    assert sp.albums([album["id"]])["albums"] == [full]
    page = sp.album_tracks(album["id"], limit=2)
    rest = sp.next(page)
    assert ids(page["items"] + rest["items"]) == ids(all_tracks[:3])
    assert sp.previous(rest)["items"] == page["items"] and sp.next(rest) is None


@works("search", "search_markets")
def _():
    found = sp.search("Album 1", type="album,artist,track,playlist")
    assert found["albums"]["items"][0]["name"] == "Album 1" and "playlists" in found
    assert sp.search_markets("Album 1", type="album", markets=["DE"])["DE"]["albums"]["items"]


@works("me", "current_user", "user")
def _():
    assert me["display_name"] == "anna" == sp.current_user()["display_name"] and sp.user(me["id"])["id"] == me["id"]


@works("user_playlist_create", "current_user_playlist_create", "current_user_playlists", "user_playlists", "playlist",
       "user_playlist", "playlist_change_details", "user_playlist_change_details", "current_user_unfollow_playlist",
       "user_playlist_unfollow")
def _():
    one = sp.user_playlist_create(me["id"], "One", public=False, description="first")
    two = sp.current_user_playlist_create("Two")
    assert ids(sp.current_user_playlists()["items"]) == [one["id"], two["id"]]
    assert ids(sp.user_playlists(me["id"])["items"]) == [one["id"], two["id"]]
    sp.playlist_change_details(one["id"], name="Uno", description="x")
    sp.user_playlist_change_details(me["id"], two["id"], public=False)
    assert (sp.playlist(one["uri"])["name"], sp.user_playlist(me["id"], two["id"])["public"]) == ("Uno", False)
    assert sp.playlist(one["id"], fields="name,tracks.total") == {"name": "Uno", "tracks": {"total": 0}}
    sp.current_user_unfollow_playlist(one["id"])
    sp.user_playlist_unfollow(me["id"], two["id"])
    assert sp.current_user_playlists()["total"] == 0


@works("playlist_add_items", "playlist_items", "playlist_tracks", "playlist_replace_items", "playlist_reorder_items",
       "playlist_remove_all_occurrences_of_items", "playlist_remove_specific_occurrences_of_items",
       "user_playlist_add_tracks", "user_playlist_tracks", "user_playlist_replace_tracks",
       "user_playlist_reorder_tracks", "user_playlist_remove_all_occurrences_of_tracks",
       "user_playlist_remove_specific_occurrences_of_tracks")
def _():
    made = sp.current_user_playlist_create("Items")["id"]
    a, b, c = ids((first, second, third))

    def now():
        return [entry["track"]["id"] for entry in sp.playlist_items(made, limit=100)["items"]]
    sp.playlist_add_items(made, [first["uri"], c])
    sp.playlist_add_items(made, [b], position=1)
    assert now() == [a, b, c] == [entry["item"]["id"] for entry in sp.playlist_tracks(made)["items"]]
    few = sp.playlist_items(made, fields="total,items(track(name))", limit=1)
    assert few == {"total": 3, "items": [{"track": {"name": first["name"]}}]}
    sp.playlist_reorder_items(made, range_start=0, insert_before=3)
    assert now() == [b, c, a]
    sp.user_playlist_reorder_tracks(me["id"], made, 2, 0)
    sp.playlist_remove_all_occurrences_of_items(made, [b])
    assert now() == [a, c]
    sp.playlist_replace_items(made, [a, b, a])
    sp.playlist_remove_specific_occurrences_of_items(made, [{"uri": a, "positions": [2]}])
    assert now() == [a, b]
    sp.user_playlist_add_tracks(me["id"], made, [c, c])
    sp.user_playlist_remove_specific_occurrences_of_tracks(me["id"], made, [{"uri": c, "positions": [3]}])
    sp.user_playlist_remove_all_occurrences_of_tracks(me["id"], made, [a])
    assert now() == [b, c] == [entry["track"]["id"] for entry in sp.user_playlist_tracks(me["id"], made)["items"]]
    sp.user_playlist_replace_tracks(me["id"], made, [a])
    assert now() == [a] == [entry["track"]["id"] for entry in sp.playlist(made)["tracks"]["items"]]
    sp.current_user_unfollow_playlist(made)


@works("current_user_saved_tracks", "current_user_saved_tracks_add", "current_user_saved_tracks_delete",
       "current_user_saved_tracks_contains", "current_user_saved_items")
def _():
    sp.current_user_saved_tracks_add([first["id"]])
    assert [entry["track"]["id"] for entry in sp.current_user_saved_tracks()["items"]] == [first["id"]]
    assert sp.current_user_saved_tracks_contains([second["id"], first["id"]]) == [False, True]
    assert sp.current_user_saved_items([first["uri"], album["uri"]]) == [True, False]
    sp.current_user_saved_tracks_delete([first["id"]])
    assert sp.current_user_saved_tracks()["total"] == 0


@works("current_user_saved_albums", "current_user_saved_albums_add", "current_user_saved_albums_delete",
       "current_user_saved_albums_contains")
def _():
    sp.current_user_saved_albums_add([album["id"]])
    assert [entry["album"]["id"] for entry in sp.current_user_saved_albums()["items"]] == [album["id"]]
    assert sp.current_user_saved_albums_contains([album["id"], NONE]) == [True, False]
    sp.current_user_saved_albums_delete([album["id"]])
    assert sp.current_user_saved_albums()["total"] == 0


@works("user_follow_artists", "user_unfollow_artists", "current_user_followed_artists",
       "current_user_following_artists")
def _():
    sp.user_follow_artists([artist["id"]])
    assert ids(sp.current_user_followed_artists()["artists"]["items"]) == [artist["id"]]
    assert sp.current_user_following_artists([artist["id"], NONE]) == [True, False]
    sp.user_unfollow_artists([artist["id"]])
    assert sp.current_user_followed_artists(limit=1)["artists"]["total"] == 0


@works("current_user_top_artists", "current_user_top_tracks", "current_user_recently_played")
def _():
    played = sp.current_user_recently_played(limit=1)["items"]
    assert [entry["track"]["name"] for entry in played] == ["Short"], played
    assert sp.current_user_top_tracks(time_range="short_term")["items"][0]["name"] == "Short"
    assert sp.current_user_top_artists()["items"][0]["name"] == "Briefly"


@works("devices", "start_playback", "current_playback", "currently_playing", "current_user_playing_track", "queue",
       "add_to_queue", "pause_playback", "next_track", "previous_track", "seek_track", "repeat", "volume", "shuffle",
       "transfer_playback")
def _():
    assert {device["id"]: device["name"] for device in sp.devices()["devices"]} == {DESK: "Desk", ATTIC: "Attic"}
    uris = [second["uri"], third["uri"]]
    sp.start_playback(device_id=DESK, uris=uris, offset={"uri": third["uri"]}, position_ms=20_000)
    now = sp.current_playback()
    assert (now["item"]["id"], now["device"]["id"], now["is_playing"]) == (third["id"], DESK, True)
    assert 20_000 <= now["progress_ms"] < 60_000, now["progress_ms"]
    sp.start_playback(device_id=DESK, context_uri=album["uri"], offset={"position": 1})
    assert sp.currently_playing()["item"]["id"] == second["id"] == sp.current_user_playing_track()["item"]["id"]
    sp.add_to_queue(all_tracks[5]["uri"])
    queue = sp.queue()
    assert queue["currently_playing"]["id"] == second["id"]
    assert ids(queue["queue"]) == [third["id"], all_tracks[5]["id"]]
    sp.next_track(DESK)
    assert sp.currently_playing()["item"]["id"] == third["id"]
    sp.previous_track()
    assert sp.currently_playing()["item"]["id"] == second["id"]
    sp.pause_playback(DESK)
    sp.seek_track(12_345)
    sp.repeat("track")
    sp.shuffle(True)
    sp.volume(37, ATTIC)
    now = sp.current_playback()
    assert (now["is_playing"], now["progress_ms"]) == (False, 12_345)
    assert (now["repeat_state"], now["shuffle_state"]) == ("track", True)
    assert [device["volume_percent"] for device in sp.devices()["devices"] if device["id"] == ATTIC] == [37]
    sp.transfer_playback(ATTIC, force_play=False)
    while sp.current_playback()["device"]["id"] != ATTIC:
        pass
    now = sp.current_playback()
    assert (now["device"]["name"], now["is_playing"], now["item"]["id"]) == ("Attic", False, second["id"])
    sp.shuffle(False)
    sp.repeat("off")
    sp.start_playback(device_id=DESK, uris=[first["uri"]])
    assert sp.currently_playing()["item"]["id"] == first["id"]
    try:
        sp.pause_playback(ATTIC)
        raise AssertionError("another device was paused")
    except spotipy.SpotifyException as error:
        assert error.http_status == 409


without("shows", show=lambda call: call(NONE), shows=lambda call: call([NONE]), show_episodes=lambda call: call(NONE),
        current_user_saved_shows=lambda call: call(), current_user_saved_shows_add=lambda call: call([NONE]),
        current_user_saved_shows_delete=lambda call: call([NONE]),
        current_user_saved_shows_contains=lambda call: call([NONE]))
without("episodes", episode=lambda call: call(NONE), episodes=lambda call: call([NONE]),
        current_user_saved_episodes=lambda call: call(), current_user_saved_episodes_add=lambda call: call([NONE]),
        current_user_saved_episodes_delete=lambda call: call([NONE]),
        current_user_saved_episodes_contains=lambda call: call([NONE]))
without("audiobooks", get_audiobook=lambda call: call(NONE), get_audiobooks=lambda call: call([NONE]),
        get_audiobook_chapters=lambda call: call(NONE))
without("users that follow each other", user_follow_users=lambda call: call([me["id"]]),
        user_unfollow_users=lambda call: call([me["id"]]), current_user_following_users=lambda call: call([me["id"]]))
without("categories", category=lambda call: call("x"), categories=lambda call: call(),
        category_playlists=lambda call: call("x"))
without("featured playlists", featured_playlists=lambda call: call())
without("new releases", new_releases=lambda call: call())
without("recommendations", recommendations=lambda call: call(seed_tracks=[NONE]),
        recommendation_genre_seeds=lambda call: call())
without("audio analysis", audio_analysis=lambda call: call(NONE))
without("audio features", audio_features=lambda call: call([NONE]))
without("related artists", artist_related_artists=lambda call: call(NONE))
without("markets", available_markets=lambda call: call())
mine = sp.current_user_playlist_create("Kept")
without("pictures of playlists", playlist_cover_image=lambda call: call(mine["id"]),
        playlist_upload_cover_image=lambda call: call(mine["id"], "aGVsbG8="))
without("followers of playlists", current_user_follow_playlist=lambda call: call(mine["id"]),
        user_playlist_follow_playlist=lambda call: call(me["id"], mine["id"]))
without("episodes", user_playlist_add_episodes=lambda call: call(me["id"], mine["id"], [NONE]))
sp.current_user_unfollow_playlist(mine["id"])

# They raise a TypeError of their own before they ask anything.
broken = {"playlist_is_following", "user_playlist_is_following"}
methods = {name for name, value in vars(spotipy.Spotify).items() if inspect.isfunction(value) and name[0] != "_"}
methods -= broken
assert done.keys() == methods, f"not called: {methods - done.keys()}; no such method: {done.keys() - methods}"
for name, outcome in done.items():
    print(name, outcome)

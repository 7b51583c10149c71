//! Calls every method of rspotify that asks the server, and checks what each one does. Prints a line for each: its name and
//! `works`, or `without` and the notion that Segue has not.
#![allow(deprecated, reason = "what rspotify still has is called")]

use rspotify::{
    AuthCodeSpotify, ClientError, ClientResult, Config, Credentials, OAuth, Token,
    http::HttpError,
    model::{
        AdditionalType, AlbumId, AlbumType, ArtistId, EpisodeId, FullTrack, Id as _, ItemPositions, LibraryId, Offset,
        PlayContextId, PlayableId, PlayableItem, PlaylistId, RepeatState, SearchResult, SearchType, ShowId, TimeRange,
        TrackId, UserId,
    },
    prelude::{BaseClient as _, OAuthClient as _},
};
use std::{collections::BTreeMap, env};

const NONE: &str = "0000000000000001";

struct Calls(BTreeMap<&'static str, String>);

impl Calls {
    fn work(&mut self, names: &[&'static str]) {
        self.0.extend(names.iter().map(|name| (*name, "works".to_owned())));
    }

    /// The call must have been refused with 501 for want of this notion.
    fn lack<T>(&mut self, notion: &str, name: &'static str, answer: ClientResult<T>) {
        let Err(ClientError::Http(error)) = answer else { panic!("{name} was answered, or is unreadable") };
        let HttpError::StatusCode(response) = *error else { panic!("{name}: {error}") };
        let status = response.status();
        let told = response.into_string().expect("a text");
        assert!(status == 501 && told.contains(&format!("Segue has no {notion}")), "{name}: {status} {told}");
        self.0.insert(name, format!("without {notion}"));
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn track(item: Option<PlayableItem>) -> FullTrack {
    match item {
        Some(PlayableItem::Track(track)) => track,
        other => panic!("no track: {other:?}"),
    }
}

fn all<T>(items: impl Iterator<Item = ClientResult<T>>) -> Vec<T> {
    items.map(|item| item.expect("it can be read")).collect()
}

#[allow(clippy::too_many_lines, reason = "one check after the other")]
fn main() {
    let token = Token { access_token: variable("TOKEN"), expires_at: None, ..Token::default() };
    let config =
        Config { api_base_url: format!("{}/v1/", variable("URL")), token_refreshing: false, ..Config::default() };
    let spotify = AuthCodeSpotify::from_token_with_config(token, Credentials::default(), OAuth::default(), config);
    let (desk, attic) = (variable("DESK"), variable("ATTIC"));
    let mut calls = Calls(BTreeMap::new());

    let Ok(SearchResult::Tracks(page)) = spotify.search("Piece", SearchType::Track, None, None, Some(50), None) else {
        panic!("no tracks")
    };
    let mut tracks = page.items;
    tracks.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(tracks.len(), 9);
    let several =
        spotify.search_multiple("Album 1", [SearchType::Album, SearchType::Playlist], None, None, Some(5), None);
    assert_eq!(several.expect("found").albums.expect("albums").items[0].name, "Album 1");
    let ids: Vec<TrackId<'static>> = tracks.iter().map(|track| track.id.clone().expect("an id")).collect();
    let [a, b, c] = [0, 1, 2].map(|place| ids[place].clone());
    let album: AlbumId<'static> = tracks[0].album.id.clone().expect("an id");
    let artist: ArtistId<'static> = tracks[0].artists[0].id.clone().expect("an id");
    calls.work(&["search", "search_multiple"]);

    assert_eq!(spotify.track(a.clone(), None).expect("a track").name, "Piece 0-1");
    let found = spotify.tracks([b.clone(), a.clone()], None).expect("tracks");
    assert_eq!(found.iter().map(|track| track.name.as_str()).collect::<Vec<_>>(), ["Piece 0-2", "Piece 0-1"]);
    assert_eq!(spotify.artist(artist.clone()).expect("an artist").name, "Artist 0");
    assert_eq!(spotify.artists([artist.clone()]).expect("artists")[0].id, artist);
    let albums = all(spotify.artist_albums(artist.clone(), [AlbumType::Album], None));
    assert_eq!((albums.len(), albums[0].name.as_str()), (1, "Album 0"));
    let singles = spotify.artist_albums_manual(artist.clone(), [AlbumType::Single], None, None, None);
    assert_eq!(singles.expect("a page").total, 0);
    let top = spotify.artist_top_tracks(artist.clone(), None).expect("tracks");
    assert!(top.iter().all(|track| track.artists[0].name == "Artist 0"));
    calls.work(&["track", "tracks", "artist", "artists", "artist_albums", "artist_albums_manual", "artist_top_tracks"]);

    let full = spotify.album(album.clone(), None).expect("an album");
    assert_eq!((full.name.as_str(), full.tracks.items.len()), ("Album 0", 3));
    assert_eq!(spotify.albums([album.clone()], None).expect("albums"), [full]);
    assert_eq!(all(spotify.album_track(album.clone(), None)).len(), 3);
    let second = spotify.album_track_manual(album.clone(), None, Some(1), Some(1)).expect("a page");
    assert_eq!(second.items[0].id, Some(b.clone()));
    calls.work(&["album", "albums", "album_track", "album_track_manual"]);

    let me = spotify.me().expect("a user");
    assert_eq!(spotify.current_user().expect("a user").display_name.as_deref(), Some("anna"));
    assert_eq!(spotify.user(me.id.clone()).expect("a user").id, me.id);
    assert_eq!(all(spotify.current_user_top_tracks(Some(TimeRange::ShortTerm)))[0].name, "Short");
    let tracks_most = spotify.current_user_top_tracks_manual(None, Some(1), None).expect("a page");
    assert_eq!(tracks_most.items[0].name, "Short");
    assert_eq!(all(spotify.current_user_top_artists(None))[0].name, "Briefly");
    let artists_most = spotify.current_user_top_artists_manual(None, Some(1), None).expect("a page");
    assert_eq!(artists_most.items[0].name, "Briefly");
    assert_eq!(spotify.current_user_recently_played(Some(1), None).expect("plays").items[0].track.name, "Short");
    calls.work(&["me", "current_user", "user", "current_user_top_tracks", "current_user_top_tracks_manual"]);
    calls.work(&["current_user_top_artists", "current_user_top_artists_manual", "current_user_recently_played"]);

    playlists(&spotify, &mut calls, &me.id, [&a, &b, &c]);
    library(&spotify, &mut calls, &a, &album, &artist);
    player(&spotify, &mut calls, &desk, &attic, &album, &ids);
    lacking(&spotify, &mut calls, &me.id);
    for (name, outcome) in calls.0 {
        println!("{name} {outcome}");
    }
}

fn playlists(spotify: &AuthCodeSpotify, calls: &mut Calls, me: &UserId<'_>, [a, b, c]: [&TrackId<'static>; 3]) {
    let made = spotify.user_playlist_create(me.clone(), "Mine", Some(false), Some(false), Some("x")).expect("made");
    assert_eq!((made.name.as_str(), made.items.total), ("Mine", 0));
    let id: PlaylistId<'static> = made.id;
    let now = || -> Vec<TrackId<'static>> {
        let entries = all(spotify.playlist_items(id.clone(), None, None));
        entries.into_iter().map(|entry| track(entry.item).id.expect("an id")).collect()
    };
    let item = |id: &TrackId<'static>| PlayableId::Track(id.clone());
    spotify.playlist_add_items(id.clone(), [item(a), item(c)], None).expect("added");
    spotify.playlist_add_items(id.clone(), [item(b)], Some(1)).expect("added");
    assert_eq!(now(), [a.clone(), b.clone(), c.clone()]);
    spotify.playlist_reorder_items(id.clone(), Some(0), Some(3), Some(1), None).expect("moved");
    assert_eq!(now(), [b.clone(), c.clone(), a.clone()]);
    spotify.playlist_remove_all_occurrences_of_items(id.clone(), [item(b)], None).expect("removed");
    assert_eq!(now(), [c.clone(), a.clone()]);
    spotify.playlist_replace_items(id.clone(), [item(a), item(b), item(a)]).expect("replaced");
    let last = ItemPositions { id: item(a), positions: &[2] };
    spotify.playlist_remove_specific_occurrences_of_items(id.clone(), [last], None).expect("removed");
    assert_eq!(now(), [a.clone(), b.clone()]);
    let page = spotify.playlist_items_manual(id.clone(), None, None, Some(1), Some(1)).expect("a page");
    assert_eq!((page.total, page.items.len()), (2, 1));
    spotify.playlist_change_detail(id.clone(), Some("Renamed"), None, None, None).expect("changed");
    let full = spotify.playlist(id.clone(), None, None).expect("a playlist");
    assert_eq!((full.name.as_str(), full.items.items.len()), ("Renamed", 2));
    assert_eq!(spotify.user_playlist(me.clone(), Some(id.clone()), None).expect("a playlist").id, id);
    for listed in [all(spotify.current_user_playlists()), all(spotify.user_playlists(me.clone()))] {
        assert_eq!((listed.len(), &listed[0].id, listed[0].items.total), (1, &id, 2));
    }
    assert_eq!(spotify.current_user_playlists_manual(Some(1), None).expect("a page").total, 1);
    assert_eq!(spotify.user_playlists_manual(me.clone(), Some(1), None).expect("a page").total, 1);
    calls.lack("followers of playlists", "playlist_follow", spotify.playlist_follow(id.clone(), None));
    calls.lack(
        "followers of playlists",
        "playlist_check_follow",
        spotify.playlist_check_follow(id.clone(), &[me.clone()]),
    );
    spotify.playlist_unfollow(id.clone()).expect("deleted");
    assert_eq!(all(spotify.current_user_playlists()).len(), 0);
    calls.work(&["user_playlist_create", "playlist_add_items", "playlist_reorder_items", "playlist_replace_items"]);
    calls.work(&["playlist_remove_all_occurrences_of_items", "playlist_remove_specific_occurrences_of_items"]);
    calls.work(&["playlist_items", "playlist_items_manual", "playlist_change_detail", "playlist", "user_playlist"]);
    calls.work(&["current_user_playlists", "current_user_playlists_manual", "user_playlists", "user_playlists_manual"]);
    calls.work(&["playlist_unfollow"]);
}

fn library(
    spotify: &AuthCodeSpotify,
    calls: &mut Calls,
    one: &TrackId<'static>,
    album: &AlbumId<'static>,
    artist: &ArtistId<'static>,
) {
    let entries =
        || [LibraryId::Track(one.clone()), LibraryId::Album(album.clone()), LibraryId::Artist(artist.clone())];
    spotify.library_add(entries()).expect("saved");
    assert_eq!(spotify.library_contains(entries()).expect("known"), [true; 3]);
    assert_eq!(all(spotify.current_user_saved_tracks(None))[0].track.id.as_ref(), Some(one));
    assert_eq!(all(spotify.current_user_saved_albums(None))[0].album.id, *album);
    assert_eq!(spotify.current_user_saved_tracks_manual(None, Some(1), None).expect("a page").total, 1);
    assert_eq!(spotify.current_user_saved_albums_manual(None, Some(1), None).expect("a page").total, 1);
    let followed = spotify.current_user_followed_artists(None, Some(1)).expect("artists");
    assert_eq!((followed.items[0].id.clone(), followed.total), (artist.clone(), Some(1)));
    spotify.library_remove(entries()).expect("removed");
    assert_eq!(spotify.library_contains(entries()).expect("known"), [false; 3]);
    spotify.current_user_saved_tracks_add([one.clone()]).expect("saved");
    assert_eq!(spotify.current_user_saved_tracks_contains([one.clone()]).expect("known"), [true]);
    spotify.current_user_saved_tracks_delete([one.clone()]).expect("removed");
    spotify.current_user_saved_albums_add([album.clone()]).expect("saved");
    assert_eq!(spotify.current_user_saved_albums_contains([album.clone()]).expect("known"), [true]);
    spotify.current_user_saved_albums_delete([album.clone()]).expect("removed");
    spotify.user_follow_artists([artist.clone()]).expect("followed");
    assert_eq!(spotify.user_artist_check_follow([artist.clone()]).expect("known"), [true]);
    spotify.user_unfollow_artists([artist.clone()]).expect("unfollowed");
    assert_eq!(spotify.library_contains(entries()).expect("known"), [false; 3]);
    calls.work(&["library_add", "library_remove", "library_contains", "current_user_saved_tracks"]);
    calls.work(&["current_user_saved_tracks_manual", "current_user_saved_albums", "current_user_saved_albums_manual"]);
    calls.work(&[
        "current_user_followed_artists",
        "current_user_saved_tracks_add",
        "current_user_saved_tracks_contains",
    ]);
    calls.work(&[
        "current_user_saved_tracks_delete",
        "current_user_saved_albums_add",
        "current_user_saved_albums_delete",
    ]);
    calls.work(&["current_user_saved_albums_contains", "user_follow_artists", "user_artist_check_follow"]);
    calls.work(&["user_unfollow_artists"]);
}

fn player(
    spotify: &AuthCodeSpotify,
    calls: &mut Calls,
    desk: &str,
    attic: &str,
    album: &AlbumId<'static>,
    ids: &[TrackId<'static>],
) {
    let item = |place: usize| PlayableId::Track(ids[place].clone());
    let no_types: Option<&[AdditionalType]> = None;
    let playback = || spotify.current_playback(None, no_types).expect("it can be read").expect("something plays");
    let plays = || track(playback().item).id.expect("an id");
    assert_eq!(spotify.device().expect("devices").len(), 2);
    let offset = Offset::Uri(ids[2].uri());
    spotify.start_uris_playback([item(1), item(2)], Some(desk), Some(offset), None).expect("started");
    assert_eq!((plays(), playback().device.id.as_deref()), (ids[2].clone(), Some(desk)));
    let context = PlayContextId::Album(album.clone());
    let offset = Offset::Uri(ids[1].uri());
    spotify.start_context_playback(context, Some(desk), Some(offset), None).expect("started");
    let current = spotify.current_playing(None, no_types).expect("it can be read").expect("something plays");
    assert_eq!(track(current.item).id, Some(ids[1].clone()));
    let current = spotify.current_user_playing_item().expect("it can be read").expect("something plays");
    assert_eq!(track(current.item).id, Some(ids[1].clone()));
    spotify.add_item_to_queue(item(5), None).expect("added");
    let queue = spotify.current_user_queue().expect("a queue");
    let queued: Vec<_> = queue.queue.into_iter().map(|item| track(Some(item)).id.expect("an id")).collect();
    assert_eq!(queued, [ids[2].clone(), ids[5].clone()]);
    spotify.next_track(Some(desk)).expect("skipped");
    assert_eq!(plays(), ids[2]);
    spotify.previous_track(None).expect("skipped");
    spotify.pause_playback(Some(desk)).expect("paused");
    // rspotify's own type of time; it is made from what the server says.
    let place = playback().progress.expect("a position");
    spotify.seek_track(place, None).expect("sought");
    spotify.repeat(RepeatState::Track, None).expect("set");
    spotify.shuffle(true, None).expect("set");
    spotify.volume(23, Some(attic)).expect("set");
    let state = playback();
    assert_eq!((state.is_playing, state.progress, state.repeat_state), (false, Some(place), RepeatState::Track));
    assert!(state.shuffle_state);
    let devices = spotify.device().expect("devices");
    let volume = devices.iter().find(|device| device.id.as_deref() == Some(attic)).expect("it is there").volume_percent;
    assert_eq!(volume, Some(23));
    spotify.resume_playback(Some(desk), None).expect("resumed");
    assert!(playback().is_playing && plays() == ids[1]);
    spotify.shuffle(false, None).expect("set");
    spotify.repeat(RepeatState::Off, None).expect("set");
    spotify.transfer_playback(attic, Some(false)).expect("moved");
    while playback().device.id.as_deref() != Some(attic) {
        std::thread::yield_now();
    }
    calls.work(&["device", "current_playback", "current_playing", "current_user_playing_item", "current_user_queue"]);
    calls.work(&["start_uris_playback", "start_context_playback", "add_item_to_queue", "next_track", "previous_track"]);
    calls.work(&[
        "pause_playback",
        "resume_playback",
        "seek_track",
        "repeat",
        "shuffle",
        "volume",
        "transfer_playback",
    ]);
}

fn lacking(spotify: &AuthCodeSpotify, calls: &mut Calls, me: &UserId<'_>) {
    let show = || ShowId::from_id(NONE).expect("an id");
    let episode = || EpisodeId::from_id(NONE).expect("an id");
    let one = || TrackId::from_id(NONE).expect("an id");
    calls.lack("shows", "get_a_show", spotify.get_a_show(show(), None));
    calls.lack("shows", "get_several_shows", spotify.get_several_shows([show()], None));
    calls.lack("shows", "get_shows_episodes", spotify.get_shows_episodes(show(), None).next().expect("an answer"));
    calls.lack("shows", "get_shows_episodes_manual", spotify.get_shows_episodes_manual(show(), None, None, None));
    calls.lack("shows", "save_shows", spotify.save_shows([show()]));
    calls.lack("shows", "get_saved_show", spotify.get_saved_show().next().expect("an answer"));
    calls.lack("shows", "get_saved_show_manual", spotify.get_saved_show_manual(None, None));
    calls.lack("shows", "check_users_saved_shows", spotify.check_users_saved_shows([show()]));
    calls.lack("shows", "remove_users_saved_shows", spotify.remove_users_saved_shows([show()], None));
    calls.lack("episodes", "get_an_episode", spotify.get_an_episode(episode(), None));
    calls.lack("episodes", "get_several_episodes", spotify.get_several_episodes([episode()], None));
    calls.lack("audio features", "track_features", spotify.track_features(one()));
    calls.lack("audio features", "tracks_features", spotify.tracks_features([one()]));
    calls.lack("audio analysis", "track_analysis", spotify.track_analysis(one()));
    calls.lack("categories", "categories", spotify.categories(None, None).next().expect("an answer"));
    calls.lack("categories", "categories_manual", spotify.categories_manual(None, None, None, None));
    calls.lack("categories", "category_playlists", spotify.category_playlists("x", None).next().expect("an answer"));
    calls.lack("categories", "category_playlists_manual", spotify.category_playlists_manual("x", None, None, None));
    calls.lack("featured playlists", "featured_playlists", spotify.featured_playlists(None, None, None, None, None));
    calls.lack("new releases", "new_releases", spotify.new_releases(None).next().expect("an answer"));
    calls.lack("new releases", "new_releases_manual", spotify.new_releases_manual(None, None, None));
    let related = spotify.artist_related_artists(ArtistId::from_id(NONE).expect("an id"));
    calls.lack("related artists", "artist_related_artists", related);
    let none: Option<Vec<&str>> = None;
    let no_artists: Option<Vec<ArtistId<'_>>> = None;
    let alike = spotify.recommendations([], no_artists, none, Some([one()]), None, None);
    calls.lack("recommendations", "recommendations", alike);
    calls.lack("users that follow each other", "user_follow_users", spotify.user_follow_users([me.clone()]));
    calls.lack("users that follow each other", "user_unfollow_users", spotify.user_unfollow_users([me.clone()]));
}

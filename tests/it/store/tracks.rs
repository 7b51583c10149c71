//! Resolving the track ids of commands.

use super::*;
use segue::store::DbTracks;
use segue_actors::{
    node::ports::{ListedTracks, Tracks as _, WantedList},
    state::{Reject, queue::Resolved},
};
use segue_client::protocol::{
    ids::ListId,
    messages::{RejectCode, TrackList, TrackOrder},
    playback::MediaKind,
};

fn tracks(db: &Db) -> DbTracks {
    DbTracks::new(db.clone(), Arc::default(), Arc::default())
}

/// The ids of the tracks of a list of which a queue takes 100, and the place of the first one.
async fn listed(
    db: &Db,
    user: u64,
    list: TrackList,
    start: Option<usize>,
    track: Option<u64>,
) -> Result<(Vec<u64>, Option<usize>), RejectCode> {
    let wanted = WantedList { list, start, track: track.map(MediaId), most: 100 };
    let found: Result<ListedTracks, Reject> =
        tracks(db).list(UserId(user), wanted).await.expect("the database answers");
    let ids = |listed: ListedTracks| (listed.tracks.iter().map(|track| track.media_id.0).collect(), listed.start);
    found.map(ids).map_err(|refused| refused.code)
}

async fn resolve(db: &Db, ids: Vec<u64>) -> Result<Vec<Resolved>, MediaId> {
    let ids = ids.into_iter().map(MediaId).collect();
    tracks(db).resolve(UserId(1), ids).await.expect("the database answers")
}

fn track(id: u64, duration_ms: Option<i64>) -> Resolved {
    Resolved { media_id: MediaId(id), kind: MediaKind::Track, duration_ms }
}

/// Tracks 0 to 1999: track `n` has a duration of `n` ms; the file of track 3 is missing.
async fn with_tracks(database: &TestDatabase) -> Db {
    let db = database.open();
    db.write(|connection| {
        let sql = "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 1999)
            INSERT INTO tracks (id, album_id, title, sort_key, disc, duration_ms, container, codec, missing, added_us, change)
            SELECT n, 1, '', '', 1, n, '', '', n = 3, 0, 1 FROM n";
        Ok(sql_query(sql).execute(connection)?)
    })
    .await
    .expect("tracks are made");
    db
}

on_both_databases! {
    async fn tracks_are_resolved_in_the_requested_order(database) {
        let db = with_tracks(&database).await;
        let found = resolve(&db, vec![5, 2, 5, 0, 2]).await;
        assert_eq!(found, Ok(vec![track(5, Some(5)), track(2, Some(2)), track(5, Some(5)), track(0, None), track(2, Some(2))]));
        assert_eq!(resolve(&db, vec![]).await, Ok(vec![]));
        let all: Vec<u64> = (4..2000).rev().collect();
        let found = resolve(&db, all.clone()).await.expect("all are there");
        assert_eq!(found.iter().map(|track| track.media_id.0).collect::<Vec<_>>(), all);
    }

    async fn the_first_unknown_track_is_returned(database) {
        let db = with_tracks(&database).await;
        assert_eq!(resolve(&db, vec![5, 9999, u64::MAX]).await, Err(MediaId(9999)));
        assert_eq!(resolve(&db, vec![5, 3]).await, Err(MediaId(3)), "its file is gone");
        let many = tracks(&db).resolve(UserId(1), vec![MediaId(1); 10_001]).await;
        assert!(many.is_err_and(|error| !error.is_transient), "more than a queue holds");
    }

    async fn of_a_list_longer_than_a_queue_the_part_from_the_first_track_on_is_taken(database) {
        let db = with_tracks(&database).await;
        let all = || TrackList::Tracks { sort: TrackOrder::Newest };
        let beginning = listed(&db, 1, all(), None, None).await.expect("there are tracks");
        assert_eq!(beginning, ((1900..2000).rev().collect(), None));
        let (ids, start) = listed(&db, 1, all(), Some(50), Some(1949)).await.expect("there are tracks");
        assert_eq!((ids.len(), start.map(|start| ids[start])), (100, Some(1949)));
        let (ids, start) = listed(&db, 1, all(), Some(1998), None).await.expect("there are tracks");
        assert_eq!((ids.len(), ids.first(), ids.last(), start), (100, Some(&100), Some(&0), Some(99)), "without track 3");
        let late = listed(&db, 1, all(), Some(1999), None).await;
        assert_eq!(late, Err(RejectCode::Conflict), "beyond the end");
        assert_eq!(listed(&db, 1, all(), Some(0), Some(3)).await, Err(RejectCode::Conflict), "its file is missing");
    }

    async fn lists_of_a_user_and_of_the_catalogue_are_taken_without_what_cannot_be_played(database) {
        let (db, list) = (with_tracks(&database).await, |id| TrackList::Playlist { id: ListId(id) });
        add_users(&db);
        let made = db.write(|connection| {
            let rows = "INSERT INTO playlists (id, owner_id, name, description, public, snapshot, track_count, created_us,
                    updated_us, deleted, change) VALUES (7, 1, '', '', FALSE, 1, 4, 0, 0, FALSE, 1);
                INSERT INTO playlist_items (playlist_id, position, track_id, added_by, added_us)
                    VALUES (7, 0, 5, 1, 0), (7, 1, 3, 1, 0), (7, 2, 6, 1, 0), (7, 3, 5, 1, 0);
                INSERT INTO saved_tracks (user_id, track_id, added_us) VALUES (1, 9, 1), (1, 3, 2), (1, 8, 3)";
            Ok(connection.batch_execute(rows)?)
        });
        made.await.expect("they are made");
        assert_eq!(listed(&db, 1, list(7), None, None).await, Ok((vec![5, 6, 5], None)));
        assert_eq!(listed(&db, 1, list(7), Some(3), Some(5)).await, Ok((vec![5, 6, 5], Some(2))), "the second of the two");
        assert_eq!(listed(&db, 1, list(7), Some(1), None).await, Ok((vec![5, 6, 5], Some(1))), "the next that plays");
        assert_eq!(listed(&db, 2, list(7), None, None).await, Err(RejectCode::Invalid), "another user's own");
        assert_eq!(listed(&db, 1, list(8), None, None).await, Err(RejectCode::Invalid));
        assert_eq!(listed(&db, 1, TrackList::Saved, Some(2), Some(9)).await, Ok((vec![8, 9], Some(1))), "the newest first");
        assert_eq!(listed(&db, 2, TrackList::Saved, None, None).await, Err(RejectCode::Conflict), "nothing is saved");
        let none = TrackList::Album { id: ListId(77) };
        assert_eq!(listed(&db, 1, none, None, None).await, Err(RejectCode::Invalid));
        let long = TrackList::Search { q: "x".repeat(251) };
        assert_eq!(listed(&db, 1, long, None, None).await, Err(RejectCode::Invalid));
        let search = TrackList::Search { q: "x".to_owned() };
        let wanted = WantedList { list: search, start: None, track: None, most: 100 };
        assert!(tracks(&db).list(UserId(1), wanted).await.is_err_and(|error| error.is_transient), "it is not open");
    }
}

//! Resolving the track ids of commands.

use super::*;
use segue::store::DbTracks;
use segue_actors::{node::ports::Tracks as _, state::queue::Resolved};
use segue_client::protocol::playback::MediaKind;

async fn resolve(db: &Db, ids: Vec<u64>) -> Result<Vec<Resolved>, MediaId> {
    let ids = ids.into_iter().map(MediaId).collect();
    DbTracks::new(db.clone()).resolve(UserId(1), ids).await.expect("the database answers")
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
        let many = DbTracks::new(db.clone()).resolve(UserId(1), vec![MediaId(1); 10_001]).await;
        assert!(many.is_err_and(|error| !error.is_transient), "more than a queue holds");
    }
}

//! A library of 5,000 files of every format, the same as in the benchmark of scans: the result of the scan is correct.

use super::{
    library::Library,
    music::{ALBUM, ARTIST, fill, short},
};
use diesel::{QueryDsl as _, RunQueryDsl as _};
use segue::db::{
    lists::{List, Lists},
    schema::{albums, artists},
    tracks,
};
use std::collections::BTreeSet;

const FILES: usize = 5_000;

fn counted(count: usize) -> u64 {
    u64::try_from(count).expect("a count")
}

on_both_databases! {
    async fn five_thousand_files_are_scanned_once_and_listed_whole(database) {
        let library = Library::new(database);
        fill(library.music.path(), &short(), FILES);
        let cold = library.scan();
        assert_eq!((cold.seen, cold.added, cold.unreadable), (counted(FILES), counted(FILES), 0));
        let unchanged = library.scan();
        assert_eq!((unchanged.unchanged, unchanged.added, unchanged.changed), (counted(FILES), 0, 0));

        let (names, albums, artists) = library
            .db
            .read_blocking(|connection| {
                let lists = Lists::default();
                let mut names = BTreeSet::new();
                for offset in (0..).step_by(700).take_while(|offset| *offset < FILES) {
                    let offset = i64::try_from(offset).expect("few");
                    let (ids, total) = lists.page(connection, List::TracksByName, 700, offset)?;
                    assert_eq!(total, i64::try_from(FILES).expect("few"));
                    names.extend(tracks::load(connection, &ids)?.into_iter().map(|track| track.row.title));
                }
                let albums: i64 = albums::table.count().get_result(connection)?;
                Ok((names, albums, artists::table.count().get_result::<i64>(connection)?))
            })
            .expect("read");
        assert_eq!(names, (0..FILES).map(|number| format!("Track {number}")).collect());
        let expected = (FILES.div_ceil(ALBUM), FILES.div_ceil(ARTIST));
        assert_eq!((usize::try_from(albums), usize::try_from(artists)), (Ok(expected.0), Ok(expected.1)));
    }
}

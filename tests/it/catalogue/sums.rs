//! The SHA-256 of files: computed in the background, checked later, and used to distinguish similar files.

use super::library::{Library, wav};
use crate::harness::{Server, until};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue::{
    catalog::{
        stop::Stop,
        sums::{Pace, check_due},
    },
    db::schema::files,
    media::digest::Digest,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    time::SystemTime,
};

/// 2026, in microseconds since 1970.
const NOW_US: i64 = 1_767_225_600_000_000;
const YEAR_US: i64 = 365 * 24 * 3_600 * 1_000_000;

/// Version, SHA-256, and the time of the last check in microseconds since 1970.
type Row = (String, Option<String>, i64);

fn row(library: &Library, path: &str) -> Row {
    let id = library.id(path);
    let here = files::table.filter(files::id.eq(id)).select((files::version, files::sha256, files::sha256_us));
    library.db.read_blocking(|connection| Ok(here.first(connection)?)).expect("a row")
}

/// Reads the files that are due, which are fewer than the server reads at once; returns whether any were.
fn read_due(library: &Library, now_us: i64) -> bool {
    let stop = Stop::default();
    check_due(&library.db, &Pace { stop: &stop, rate: u64::MAX }, now_us).expect("checked")
}

fn sum_of(path: &Path) -> String {
    Digest(Sha256::digest(fs::read(path).expect("read")).into()).to_string()
}

/// Writes a WAV file that differs from others only in its middle, which is not part of the version.
fn long(path: &Path, middle: u8) {
    wav(path, 1);
    let mut bytes = fs::read(path).expect("read");
    bytes.resize(400_000, 0);
    bytes[200_000] = middle;
    fs::write(path, bytes).expect("written");
}

/// Changes bytes and restores the modification time, as a damaged disk does.
fn rot(path: &Path, middle: u8) {
    let before = fs::metadata(path).and_then(|metadata| metadata.modified()).expect("a time");
    let mut bytes = fs::read(path).expect("read");
    bytes[200_000] = middle;
    fs::write(path, bytes).expect("written");
    File::options().write(true).open(path).and_then(|file| file.set_modified(before)).expect("set back");
}

/// Stores the change time that the file has now, which the kernel alone can set: a damaged disk changes no times.
fn untouch(library: &Library, path: &str) {
    let metadata = fs::metadata(library.path(path)).expect("it is there");
    let ctime_ns = metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec();
    set_ctime(library, path, ctime_ns);
}

fn set_ctime(library: &Library, path: &str, ctime_ns: i64) {
    let here = files::table.filter(files::id.eq(library.id(path)));
    let set = |connection: &mut _| Ok(diesel::update(here).set(files::ctime_ns.eq(ctime_ns)).execute(connection)?);
    assert_eq!(library.db.write_blocking(set).expect("written"), 1);
}

on_both_databases! {
    async fn an_edit_that_keeps_the_time_is_seen_by_the_next_scan(database) {
        let library = Library::new(database);
        for (name, middle) in [("known.wav", 1), ("unknown.wav", 2)] {
            long(&library.path(name), middle);
            library.scan();
            if name == "known.wav" {
                read_due(&library, NOW_US);
            }
        }
        let before = ["known.wav", "unknown.wav"].map(|name| (library.id(name), row(&library, name)));
        assert!(before[0].1.1.is_some() && before[1].1.1.is_none());
        for name in ["known.wav", "unknown.wav"] {
            rot(&library.path(name), 9);
        }
        assert_eq!(library.scan().changed, 2);
        for (name, (id, (version, ..))) in ["known.wav", "unknown.wav"].iter().zip(before) {
            assert_eq!(library.id(name), id);
            assert_ne!(row(&library, name).0, version, "{name} has other bytes");
        }
        assert_eq!(row(&library, "known.wav").1, Some(sum_of(&library.path("known.wav"))));
        assert_eq!(library.scan().unchanged, 2);
    }

    async fn a_file_of_the_same_bytes_keeps_its_version_if_they_are_known(database) {
        let library = Library::new(database);
        for (name, middle) in [("known.wav", 1), ("moved.wav", 2)] {
            long(&library.path(name), middle);
        }
        library.scan();
        read_due(&library, NOW_US);
        long(&library.path("unknown.wav"), 3);
        library.scan();
        let names = ["known.wav", "moved.wav", "unknown.wav"];
        let before = names.map(|name| row(&library, name).0);
        let close = |name| fs::set_permissions(library.path(name), Permissions::from_mode(0o600)).expect("closed");
        close("known.wav");
        close("unknown.wav");
        fs::rename(library.path("moved.wav"), library.path("again.wav")).expect("renamed");
        let progress = library.scan();
        assert_eq!((progress.changed, progress.moved), (2, 1));
        assert_eq!(row(&library, "known.wav").0, before[0]);
        assert_eq!(row(&library, "again.wav").0, before[1]);
        assert_ne!(row(&library, "unknown.wav").0, before[2], "its bytes may be others");
        assert_eq!(library.scan().unchanged, 3);
    }

    async fn a_row_from_before_change_times_keeps_its_version(database) {
        let library = Library::new(database);
        long(&library.path("a.wav"), 1);
        library.scan();
        let before = row(&library, "a.wav");
        set_ctime(&library, "a.wav", 0);
        assert_eq!(library.scan().changed, 1);
        assert_eq!(row(&library, "a.wav"), before);
        assert_eq!(library.scan().unchanged, 1);
    }

    async fn everything_is_read_again_when_that_is_asked_for(database) {
        let library = Library::new(database);
        for (name, middle) in [("a.wav", 1), ("b.wav", 2), ("c.wav", 3)] {
            long(&library.path(name), middle);
        }
        library.scan();
        read_due(&library, NOW_US);
        let names = ["a.wav", "b.wav", "c.wav"];
        let before = names.map(|name| row(&library, name).0);
        rot(&library.path("b.wav"), 9);
        untouch(&library, "b.wav");
        assert_eq!(library.scan().unchanged, 3);
        let again = library.scan_again();
        assert_eq!((again.unchanged, again.changed), (0, 3));
        let after = names.map(|name| row(&library, name).0);
        assert!(after[0] == before[0] && after[1] != before[1] && after[2] == before[2], "{before:?} {after:?}");
        assert_eq!(row(&library, "b.wav").1, Some(sum_of(&library.path("b.wav"))));
    }

    async fn a_sha256_is_computed_once_and_checked_when_it_is_old(database) {
        let library = Library::new(database);
        let path = library.path("a.wav");
        long(&path, 1);
        library.scan();
        let (version, sum, taken_us) = row(&library, "a.wav");
        assert_eq!((sum, taken_us), (None, 0));
        assert!(read_due(&library, NOW_US));
        let first = (version.clone(), Some(sum_of(&path)), NOW_US);
        assert_eq!(row(&library, "a.wav"), first);
        assert!(!read_due(&library, NOW_US + 1), "nothing is due");
        assert!(read_due(&library, NOW_US + YEAR_US), "it is old by now");
        assert_eq!(row(&library, "a.wav"), (version, Some(sum_of(&path)), NOW_US + YEAR_US));
    }

    async fn changed_bytes_with_an_unchanged_time_get_another_version(database) {
        let library = Library::new(database);
        let path = library.path("a.wav");
        long(&path, 1);
        library.scan();
        read_due(&library, NOW_US);
        let (before, sum, _) = row(&library, "a.wav");
        let id = library.id("a.wav");
        rot(&path, 2);
        untouch(&library, "a.wav");
        assert_eq!(library.scan().unchanged, 1, "no scan sees it");
        assert_eq!(row(&library, "a.wav").1, sum);
        read_due(&library, NOW_US + YEAR_US);
        let (after, sum, taken_us) = row(&library, "a.wav");
        assert_eq!((sum, taken_us, library.id("a.wav")), (Some(sum_of(&path)), NOW_US + YEAR_US, id));
        assert!(after != before && segue::media::version::is_version(&after), "{after}");
        library.scan();
        assert_eq!(row(&library, "a.wav").0, after, "it stays");
    }

    async fn a_copy_has_the_originals_sha256_until_it_is_read(database) {
        let library = Library::new(database);
        for (name, middle) in [("a", 1), ("b", 2)] {
            // Different lengths, so that the files are not similar.
            long(&library.path(format!("{name}.wav")), middle);
            let mut bytes = fs::read(library.path(format!("{name}.wav"))).expect("read");
            bytes.resize(400_000 + usize::from(middle), 0);
            fs::write(library.path(format!("{name}.wav")), bytes).expect("written");
        }
        library.scan();
        read_due(&library, NOW_US);
        let sums = ["a.wav", "b.wav"].map(|name| row(&library, name).1);
        for name in ["a", "b"] {
            let (from, to) = (library.path(format!("{name}.wav")), library.path(format!("disk/{name}.wav")));
            fs::create_dir_all(library.path("disk")).expect("made");
            fs::copy(&from, &to).expect("copied");
            fs::remove_file(from).expect("removed");
        }
        rot(&library.path("disk/b.wav"), 9);
        assert_eq!(library.scan().moved, 2);
        let copies = ["disk/a.wav", "disk/b.wav"].map(|name| row(&library, name));
        assert_eq!(copies.clone().map(|(_, sum, taken_us)| (sum, taken_us)), sums.clone().map(|sum| (sum, 0)));
        read_due(&library, NOW_US + 1);
        let now = ["disk/a.wav", "disk/b.wav"].map(|name| row(&library, name));
        assert_eq!(now[0], (copies[0].0.clone(), sums[0].clone(), NOW_US + 1));
        assert_eq!(now[1], (copies[1].0.clone(), Some(sum_of(&library.path("disk/b.wav"))), NOW_US + 1), "damaged on the way");
    }

    async fn similar_moved_files_are_distinguished_by_their_sha256(database) {
        let library = Library::new(database);
        let names = ["a.wav", "b.wav", "c.wav"];
        for (name, middle) in names.iter().zip(1..) {
            long(&library.path(name), middle);
        }
        library.scan();
        read_due(&library, NOW_US);
        let ids = names.map(|name| library.id(name));
        // Copied to another disk: other inodes, other times; the walk finds them in another order.
        for (name, to) in names.iter().zip(["disk/3.wav", "disk/1.wav", "disk/2.wav"]) {
            fs::create_dir_all(library.path("disk")).expect("made");
            fs::copy(library.path(name), library.path(to)).expect("copied");
        }
        for name in names {
            fs::remove_file(library.path(name)).expect("removed");
        }
        assert_eq!(library.scan().moved, 3);
        assert_eq!(["disk/3.wav", "disk/1.wav", "disk/2.wav"].map(|name| library.id(name)), ids);
    }

    async fn a_file_that_cannot_be_read_completely_is_skipped(database) {
        let library = Library::new(database);
        for (name, middle) in [("a.wav", 1), ("b.wav", 2)] {
            long(&library.path(name), middle);
        }
        library.scan();
        let changed = library.path("a.wav");
        File::options().write(true).open(&changed).and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH)).expect("set");
        read_due(&library, NOW_US);
        assert_eq!(row(&library, "a.wav").1, None);
        assert_eq!(row(&library, "b.wav").1, Some(sum_of(&library.path("b.wav"))));
        library.scan();
        assert_eq!(row(&library, "a.wav").2, 0, "it is another version, and due at once");
    }

    async fn a_server_computes_the_sha256_of_files_in_the_background(database) {
        let library = Library::new(database);
        wav(&library.path("a.wav"), 1);
        let music = library.music.path().to_string_lossy().into_owned();
        let _server = Server::start_with(&library.database, &["--music", &music]).await;
        until("the sum is there", async || {
            library.rows().contains_key("a.wav") && row(&library, "a.wav").1 == Some(sum_of(&library.path("a.wav")))
        })
        .await;
    }
}

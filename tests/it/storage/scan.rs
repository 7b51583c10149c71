//! Scans of a bucket.

use super::service::{BUCKET, Fault, Service};
use crate::{
    catalogue::library::{Library, Song, tag, wav},
    harness::{Dialect, Server, TestDatabase, run, segue, until},
};
use segue::{
    catalog::scan::{Music, ScanProgress, Scope},
    storage::Attempts,
};
use std::{fs, path::Path};

/// A song as a file that is a tagged WAV. The order of its tags differs from one call to the next, and so do its bytes.
pub(super) fn song(seed: u32, title: &'static str, picture: Option<Vec<u8>>) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("song.wav");
    wav(&path, seed);
    tag(&path, &Song { title, artists: vec!["Artist"], album: "Album", picture, ..Song::default() });
    fs::read(path).expect("it was written")
}

/// A PNG of one pixel.
pub(super) fn picture() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(1, 1).write_to(&mut png, image::ImageFormat::Png).expect("written");
    png.into_inner()
}

/// Scans the folder `lib` of the bucket, and `folder` if there is one.
fn scan_of(library: &Library, service: &Service, folder: Option<&Path>) -> ScanProgress {
    let storage = service.storage(Attempts::Background);
    let folders = folder.map(Path::to_owned).into_iter().chain([Service::url("lib").to_path()]).collect();
    library.scan_scope(&Music { folders, storage, ..Music::default() }, &Scope::All)
}

fn scan(library: &Library, service: &Service) -> ScanProgress {
    let progress = scan_of(library, service, None);
    assert!(progress.complete && progress.trouble_count == 0, "{progress:?}");
    progress
}

/// The requests that read objects.
pub(super) fn reads(service: &Service) -> Vec<String> {
    let all = service.take_asked();
    assert!(all.iter().all(|asked| !asked.contains("delimiter")), "{all:?}");
    all.into_iter().filter(|asked| asked.starts_with("GET") && !asked.contains("list-type")).collect()
}

on_both_databases! {
    async fn a_bucket_is_scanned_by_few_reads_and_what_is_unchanged_by_none(database) {
        let (library, service) = (Library::new(database), Service::start());
        let one = song(1, "One", None);
        service.place("lib/Artist/Album/1.wav", &one);
        service.place("lib/Artist/Album/cover.png", &picture());
        service.place("lib/Artist/2 #ä.wav", &song(2, "Two", Some(picture())));
        service.place("lib/.hidden/3.wav", &song(3, "Three", None));
        service.place("lib/broken.flac", b"no sound");
        service.place("library/4.wav", &song(4, "Four", None));
        let first = scan(&library, &service);
        assert_eq!((first.seen, first.added, first.unreadable), (3, 3, 1));
        let rows = library.rows();
        let title = |path: &str| rows.get(path).unwrap_or_else(|| panic!("{path}: {:?}", rows.keys())).title.clone();
        assert_eq!(title("s3://music/lib/Artist/Album/1.wav").as_deref(), Some("One"));
        assert_eq!(title("s3://music/lib/Artist/2 #ä.wav").as_deref(), Some("Two"));
        assert_eq!(rows["s3://music/lib/broken.flac"].error.as_deref(), Some("no FLAC file, in spite of its name"));
        assert!(reads(&service).len() <= 4, "one for each small file");

        let again = scan(&library, &service);
        assert_eq!((again.unchanged, again.added, again.changed), (3, 0, 0));
        assert_eq!(reads(&service), Vec::<String>::new());
        // Written again with the same bytes.
        service.place("lib/Artist/Album/1.wav", &one);
        assert_eq!(scan(&library, &service).unchanged, 3);

        // Other bytes of the same size.
        service.place("lib/Artist/Album/1.wav", &song(1, "Uno", None));
        assert_eq!(scan(&library, &service).changed, 1);
        let changed = library.rows()["s3://music/lib/Artist/Album/1.wav"].clone();
        assert_eq!((changed.title.as_deref(), changed.id), (Some("Uno"), rows["s3://music/lib/Artist/Album/1.wav"].id));
        fs::rename(service.file("lib/Artist/Album/1.wav"), service.file("lib/moved.wav")).expect("moved");
        let moved = scan(&library, &service);
        assert_eq!((moved.moved, moved.added, moved.missing), (1, 0, 0));
        assert_eq!(library.rows()["s3://music/lib/moved.wav"].id, changed.id);
        fs::remove_file(service.file("lib/moved.wav")).expect("removed");
        assert_eq!(scan(&library, &service).missing, 1);
        assert!(library.rows()["s3://music/lib/moved.wav"].missing);
    }

    async fn a_track_keeps_its_id_when_its_file_goes_to_a_bucket(database) {
        let (library, service) = (Library::new(database), Service::start());
        let path = library.song("a.wav", 1, "A");
        library.scan();
        let id = library.id("a.wav");
        service.place("lib/a.wav", &fs::read(&path).expect("it is there"));
        fs::remove_file(&path).expect("removed");
        library.song("b.wav", 2, "B");
        let moved = scan_of(&library, &service, Some(library.music.path()));
        assert_eq!((moved.moved, moved.added), (1, 1), "{moved:?}");
        assert_eq!(library.id("s3://music/lib/a.wav"), id);
        let media = library.db.read_blocking(|connection| {
            segue::db::media::of_track(connection, segue_client::protocol::ids::MediaId::from_sql(id))
        });
        let media = media.expect("read").expect("it is there");
        let object = media.object.expect("it is an object");
        assert_eq!((object.url, object.etag.len()), (Service::url("lib/a.wav"), 32));
        // Only files on disks are read as a whole in the background.
        let unread = library.db.read_blocking(|connection| segue::db::media::unread_since(connection, i64::MAX, 10));
        let unread: Vec<_> = unread.expect("read").into_iter().map(|file| file.name).collect();
        assert_eq!(unread, [b"b.wav".to_vec()]);
    }

    async fn a_service_that_fails_hides_no_track(database) {
        let (library, service) = (Library::new(database), Service::start());
        service.place("lib/a.wav", &song(1, "A", None));
        scan(&library, &service);
        service.be_down(true);
        let failed = scan_of(&library, &service, None);
        assert_eq!((failed.away, failed.missing, failed.trouble_count), (1, 0, 1), "{failed:?}");
        assert!(failed.troubles[0].starts_with("s3://music/lib: "), "{failed:?}");
        service.be_down(false);
        // An empty bucket is more likely the wrong one.
        fs::rename(service.file("lib/a.wav"), service.file("elsewhere.wav")).expect("moved");
        let empty = scan_of(&library, &service, None);
        assert_eq!((empty.away, empty.missing), (1, 0), "{empty:?}");
        fs::rename(service.file("elsewhere.wav"), service.file("lib/a.wav")).expect("moved");

        // What cannot be read now is tried again, and what is known of it stays.
        service.place("lib/a.wav", &song(1, "B", None));
        service.place("lib/c.wav", &song(3, "C", None));
        service.fail_always(Some(Fault::Broken));
        let unread = scan_of(&library, &service, None);
        assert_eq!((unread.kept, unread.unreadable, unread.changed), (1, 2, 0), "{unread:?}");
        assert_eq!(library.rows()["s3://music/lib/a.wav"].title.as_deref(), Some("A"));
        service.fail_always(None);
        scan(&library, &service);
        let titles: Vec<_> = library.rows().into_values().map(|row| (row.title, row.error)).collect();
        assert_eq!(titles, [(Some("B".to_owned()), None), (Some("C".to_owned()), None)]);
    }
}

#[test]
fn the_command_scans_a_bucket_and_says_what_was_read() {
    let (database, service) = (TestDatabase::empty(Dialect::Sqlite), Service::start());
    service.place("lib/a.wav", &song(1, "A", None));
    let scan = |folder: &str| {
        let output = segue(&database).arg("scan").args(service.arguments()).arg(folder).output().expect("it runs");
        (output.status.success(), String::from_utf8(output.stdout).expect("text"), output.stderr)
    };
    let (good, text, _) = scan("s3://music/lib/");
    assert!(good && text.contains("0 unchanged, 1 new") && text.contains("read from buckets: "), "{text}");
    assert!(text.contains("s3://music/lib is no music folder yet"), "{text}");
    let local = database.folder.path().join("Music");
    fs::create_dir(&local).and_then(|()| fs::write(local.join("b.wav"), song(2, "B", None))).expect("written");
    let (good, text, _) = scan(local.to_str().expect("text"));
    assert!(good && text.contains("1 new") && text.contains("0 gone"), "folders elsewhere stay: {text}");
    let (good, text, _) = scan("s3://nowhere");
    assert!(!good && text.contains("there is no such object or bucket; its tracks are kept"), "{text}");
    let (good, _, error) = scan("s3://Music");
    let error = String::from_utf8_lossy(&error).into_owned();
    assert!(!good && error.contains("a bucket has 3 to 63 small letters"), "{error}");
}

#[test]
fn a_server_scans_its_bucket_and_shows_covers_of_it() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let mut png = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(2, 2).write_to(&mut png, image::ImageFormat::Png).expect("written");
        let png = png.into_inner();
        service.place("lib/A/1.wav", &song(1, "One", None));
        service.place("lib/A/cover.png", &picture());
        service.place("lib/B/2.wav", &song(2, "Two", Some(png)));
        let music = format!("s3://{BUCKET}/lib");
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(service.arguments());
        // In the environment a colon separates folders.
        let server = Server::run({
            command.env("SEGUE_MUSIC", music);
            command
        })
        .await;
        let login = server.admin(&database, "anna").await;
        until("the scan ends", async || login.get("/v1/library/scan").await.json()["complete"] == true).await;
        let albums = login.get("/v1/albums").await.json();
        let albums = albums["items"].as_array().expect("a list");
        assert_eq!(albums.len(), 2, "one in each folder");
        for album in albums {
            // A picture beside the files of one album, one within the file of the other.
            let address = album["images"][0]["url"].as_str().unwrap_or_else(|| panic!("{album}"));
            let path = address.find("/v1/").map(|at| address[at..].to_owned()).expect("an address of ours");
            let cover = server.get(&path).await;
            assert!(cover.status == 200 && !cover.body.is_empty(), "{path}: {}", cover.status);
        }
    });
}

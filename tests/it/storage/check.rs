//! `segue storage`: what is wrong with a bucket, and what repairs it; what browsers need; removing objects.

use super::{
    scan::song,
    service::{Fault, Service},
};
use crate::{
    catalogue::library::Library,
    harness::{Dialect, TestDatabase, segue},
};
use segue::media::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};

/// Runs the program with the service's arguments; returns whether it succeeded and what it printed.
fn program(database: &TestDatabase, service: &Service, arguments: &[&str]) -> (bool, String) {
    let (command, rest) = arguments.split_at(if arguments[0] == "storage" { 2 } else { 1 });
    let output = segue(database).args(command).args(service.arguments()).args(rest).output().expect("it runs");
    let text = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    (output.status.success(), text)
}

fn key_of(bytes: &[u8]) -> String {
    format!("lib/A/{}.wav", Digest(Sha256::digest(bytes).into()))
}

/// Imports these songs from a folder, scans them, and returns their keys.
fn import(library: &Library, service: &Service, songs: &[Vec<u8>]) -> Vec<String> {
    let folder = library.music.path().join("A");
    fs::create_dir_all(&folder).expect("made");
    for (number, bytes) in songs.iter().enumerate() {
        fs::write(folder.join(format!("{number}.wav")), bytes).expect("written");
    }
    let from = library.music.path().to_str().expect("text");
    for arguments in [&["import", from, "--to=s3://music/lib"][..], &["scan", "s3://music/lib"]] {
        let (good, text) = program(&library.database, service, arguments);
        assert!(good, "{text}");
    }
    songs.iter().map(|bytes| key_of(bytes)).collect()
}

on_both_databases! {
    async fn what_is_wrong_with_a_bucket_is_found_and_repaired(database) {
        let (library, service) = (Library::new(database), Service::start());
        let titles = ["One", "Two", "Three", "Four"];
        let songs: Vec<Vec<u8>> = (1..).zip(titles).map(|(number, title)| song(number, title, None)).collect();
        let keys = import(&library, &service, &songs);
        let check = |more: &[&str]| {
            program(&library.database, &service, &[&["storage", "check", "s3://music/lib"], more].concat())
        };
        let (good, text) = check(&["--read"]);
        assert!(good && text.contains("s3://music/lib: 4 objects, 4 read"), "{text}");

        // One more that no track names, one that is gone, one that is another, one that the service has damaged.
        service.place("lib/B/new.wav", &song(9, "New", None));
        fs::remove_file(service.file(&keys[0])).expect("removed");
        fs::write(service.file(&keys[1]), "another object").expect("written");
        let mut damaged = songs[2].clone();
        damaged[500] ^= 1;
        fs::write(service.file(&keys[2]), &damaged).expect("written");
        let (good, text) = check(&["--read"]);
        assert!(!good, "{text}");
        for line in [
            "s3://music/lib/B/new.wav: no track names it".to_owned(),
            format!("s3://music/{}: a track names it, and it is not there", keys[0]),
            format!("s3://music/{}: it is another object than the one that was scanned", keys[1]),
            format!("s3://music/{}: damaged, its bytes have not the SHA-256 that it is named by", keys[2]),
        ] {
            assert!(text.lines().any(|printed| printed == line), "{line}: {text}");
        }
        assert!(text.contains("4 things wrong"), "{text}");

        // Without a good copy the damaged one is left; the rest is scanned.
        let (good, text) = check(&["--read", "--repair"]);
        assert!(!good && text.contains("no good copy was found") && text.contains("1 thing wrong"), "{text}");
        let rows = library.rows();
        assert!(rows["s3://music/lib/B/new.wav"].title.is_some() && rows[&format!("s3://music/{}", keys[0])].missing);
        let from = library.music.path().to_str().expect("text");
        let (good, text) = check(&["--read", "--repair", "--from", from]);
        assert!(good && text.contains("written again"), "{text}");
        assert!(fs::read(service.file(&keys[2])).expect("it is there") == songs[2]);

        // From a copy in the bucket.
        let copy = keys[3].replace("lib/A", "lib/C");
        service.place(&copy, &songs[3]);
        let mut damaged = songs[3].clone();
        damaged[500] ^= 1;
        fs::write(service.file(&keys[3]), &damaged).expect("written");
        let (good, text) = check(&["--read", "--repair"]);
        assert!(good && text.contains("written again"), "{text}");
        assert!(fs::read(service.file(&keys[3])).expect("it is there") == songs[3]);
    }

    async fn a_track_goes_before_its_object_and_its_replacement_keeps_the_id(database) {
        let (library, service) = (Library::new(database), Service::start());
        let songs = [song(1, "One", None), song(2, "Two", None)];
        let keys = import(&library, &service, &songs);
        let path = |key: &str| format!("s3://music/{key}");
        let id = library.id(&path(&keys[0]));
        // The service fails: the track is gone all the same, and the object stays until that is said again.
        service.refuse_deletes(true);
        let (good, text) = program(&library.database, &service, &["storage", "remove", &path(&keys[0])]);
        assert!(!good && library.rows()[&path(&keys[0])].missing, "{text}");
        service.refuse_deletes(false);
        let (good, text) = program(&library.database, &service, &["storage", "remove", &path(&keys[0])]);
        assert!(good && text.contains("removed; no track named it") && !service.file(&keys[0]).exists(), "{text}");
        let rows = library.rows();
        assert!(rows[&path(&keys[0])].missing && !rows[&path(&keys[1])].missing && service.file(&keys[1]).exists());
        // Other audio, the same tags.
        fs::remove_file(library.music.path().join("A/0.wav")).expect("removed");
        let new = import(&library, &service, &[song(7, "One", None)]);
        assert_eq!(library.id(&path(&new[0])), id);
        let (good, text) = program(&library.database, &service, &["storage", "remove", &path(&new[0])]);
        assert!(good && text.contains("removed; its track is gone from the library"), "{text}");
    }
}

#[test]
fn a_bucket_that_browsers_cannot_read_is_found_and_the_rule_is_printed() {
    let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
    service.place("lib/a.wav", &song(1, "A", None));
    let (good, text) = program(&database, &service, &["scan", "s3://music/lib"]);
    assert!(good, "{text}");
    let origin = "https://music.example.org";
    let check = || program(&database, &service, &["storage", "check", "s3://music/lib", "--origin", origin]);
    let (good, text) = check();
    assert!(!good && text.contains("has no Access-Control-Allow-Origin for it"), "{text}");
    service.allow_origin(origin, "ETag");
    let (good, text) = check();
    assert!(!good && text.contains("Access-Control-Expose-Headers lacks Accept-Ranges, Content-Range"), "{text}");
    let cors = |arguments: &[&str]| {
        let output = segue(&database).args(["storage", "cors"]).args(arguments).output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (good, text) = cors(&["--origin", origin]);
    let rule: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rule = &rule["CORSRules"][0];
    assert!(good && rule["AllowedOrigins"] == serde_json::json!([origin]), "{text}");
    let exposed: Vec<_> =
        rule["ExposeHeaders"].as_array().expect("a list").iter().filter_map(|name| name.as_str()).collect();
    service.allow_origin(origin, &exposed.join(", "));
    assert!(check().0);
    assert!(!cors(&[]).0, "whose pages?");
    fs::write(database.folder.path().join("segue.toml"), "public_url = \"https://m.example/music\"").expect("written");
    let (good, text) = cors(&[]);
    assert!(good && text.contains("\"https://m.example\""), "{text}");
    // Where nobody asked, it is said and is no failure.
    let (good, text) = program(&database, &service, &["storage", "check", "s3://music/lib"]);
    assert!(good && text.contains("pages of https://m.example cannot read it"), "{text}");
}

#[test]
fn a_check_says_what_it_could_not_check() {
    let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
    let bytes = song(1, "A", None);
    service.place(&key_of(&bytes), &bytes);
    let (good, text) = program(&database, &service, &["scan", "s3://music/lib"]);
    assert!(good, "{text}");
    service.fail_always(Some(Fault::Broken));
    let (good, text) = program(&database, &service, &["storage", "check", "--read", "s3://music/lib"]);
    assert!(!good && text.contains("1 thing wrong") && text.contains("500 Internal Server Error"), "{text}");
    service.be_down(true);
    let (good, text) = program(&database, &service, &["storage", "check", "s3://music/lib"]);
    assert!(!good && text.contains("503 Service Unavailable") && !text.contains("it is not there"), "{text}");
    let (good, text) = program(&database, &service, &["storage", "check"]);
    assert!(!good && text.contains("there are no buckets among the music folders"), "{text}");
    assert!(Path::new(&service.key_file()).exists() && !text.contains("AKIDEXAMPLE"));
}

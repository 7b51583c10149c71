//! The requests of the client, good and bad, against the real protocol.

use super::service::{Fault, Service};
use crate::stream::fixture::noise;
use segue::{
    media::digest::Digest,
    storage::{Attempts, NewObject, ObjectReader, StorageError, StorageFailure},
    values::object::ObjectUrl,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    time::{Duration, Instant},
};

fn kind<T: std::fmt::Debug>(outcome: Result<T, StorageError>) -> StorageFailure {
    outcome.expect_err("it fails").kind
}

/// A file that is to become an object.
fn new<'a>(path: &'a Path, name: &'a str, bytes: &[u8]) -> NewObject<'a> {
    let sha256 = Digest(Sha256::digest(bytes).into());
    NewObject { path, sha256, name, content_type: "audio/flac", replaces: false }
}

#[test]
fn objects_are_listed_read_written_once_and_deleted() {
    let service = Service::start();
    let storage = service.storage(Attempts::Background);
    let bytes = noise(300_000);
    service.place("in/A/one #1 ä.flac", &bytes);
    service.place("in/A/B/two.mp3", b"2");
    service.place("inside.mp3", b"no");
    let mut listed = Vec::new();
    let see = |found| {
        listed.push(found);
        true
    };
    storage.list_blocking(&Service::url("in"), see).expect("it lists");
    let keys: Vec<_> = listed.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["in/A/B/two.mp3", "in/A/one #1 ä.flac"]);
    let queries = service.take_asked();
    assert!(queries.len() == 1 && !queries[0].contains("delimiter"), "{queries:?}");

    let (one, head) = (Service::url("in/A/one #1 ä.flac"), listed[1].head.clone());
    assert_eq!((head.size, head.etag.len()), (300_000, 32));
    assert!(head.modified_ns > 0);
    let piece = storage.get_blocking(&one, 1_000..201_000, Some(&head.etag)).expect("it reads");
    assert_eq!((&piece.bytes[..], &piece.head, piece.name), (&bytes[1_000..201_000], &head, None));
    assert_eq!(storage.traffic().read, 200_000);
    assert_eq!(storage.head_blocking(&one), Ok(head));

    let path = service.key_file().with_file_name("new.flac");
    fs::write(&path, &bytes).expect("written");
    let object = Service::url("out/new.flac");
    storage.put_blocking(&object, &new(&path, "Ä name.flac", &bytes)).expect("it writes");
    assert_eq!(storage.get_blocking(&object, 0..3, None).expect("it reads").name.as_deref(), Some("Ä name.flac"));
    assert_eq!(fs::read(service.file("out/new.flac")).expect("it is there"), bytes);
    fs::write(&path, b"other").expect("written");
    assert_eq!(kind(storage.put_blocking(&object, &new(&path, "x", b"other"))), StorageFailure::Exists);
    let changed = storage.put_blocking(&Service::url("changed"), &new(&path, "x", b"before")).expect_err("it changed");
    assert!(changed.to_string().contains("the file changed while it was copied"), "{changed}");
    assert!(!service.file("changed").exists());
    assert_eq!(fs::read(service.file("out/new.flac")).expect("it is there"), bytes, "the first one stays");
    storage.delete_blocking(&object).expect("it deletes");
    storage.delete_blocking(&object).expect("it is gone already");
    assert!(!service.file("out/new.flac").exists());
}

#[test]
fn a_large_file_is_written_in_parts() {
    let service = Service::start();
    let storage = service.storage(Attempts::Background);
    let (path, bytes) = (service.key_file().with_file_name("large.wav"), noise(33 * 1024 * 1024 + 1));
    fs::write(&path, &bytes).expect("written");
    let large = Service::url("large.wav");
    storage.put_blocking(&large, &new(&path, "large.wav", &bytes)).expect("it writes");
    assert!(service.take_asked().iter().any(|asked| asked.contains("partNumber=5")), "five parts");
    assert!(fs::read(service.file("large.wav")).expect("it is there") == bytes, "the bytes are the same");
    assert_eq!(kind(storage.put_blocking(&large, &new(&path, "x", &bytes))), StorageFailure::Exists);
    assert_eq!(kind(storage.put_blocking(&Service::url("b.wav"), &new(&path, "x", b"other"))), StorageFailure::Wrong);
    let asked = service.take_asked();
    assert!(asked.iter().any(|asked| asked.starts_with("DELETE") && asked.contains("uploadId")), "{asked:?}");
    assert!(!service.file("b.wav").exists(), "what was sent is given up");
}

#[test]
fn what_cannot_be_had_is_told_apart() {
    let service = Service::start();
    let storage = service.storage(Attempts::Playback);
    service.place("a.mp3", &noise(1_000));
    let object = Service::url("a.mp3");
    let head = storage.head_blocking(&object).expect("it is there");
    assert_eq!(kind(storage.head_blocking(&Service::url("b.mp3"))), StorageFailure::Absent);
    let elsewhere = ObjectUrl::read("s3://nowhere/a.mp3").expect("an address");
    assert_eq!(kind(storage.get_blocking(&elsewhere, 0..1, None)), StorageFailure::Absent);
    assert_eq!(kind(storage.get_blocking(&object, 0..1, Some("other"))), StorageFailure::Changed);
    service.ignore_conditions();
    assert_eq!(kind(storage.get_blocking(&object, 0..1, Some("other"))), StorageFailure::Changed);
    assert!(storage.get_blocking(&object, 0..1, Some(&head.etag)).is_ok());
    assert_eq!(kind(storage.get_blocking(&object, 900..1_100, None)), StorageFailure::Wrong);

    fs::write(service.key_file(), "access_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"wrong\"\n").expect("written");
    let refused = service.storage(Attempts::Playback).head_blocking(&object).expect_err("a wrong key");
    assert_eq!(refused.kind, StorageFailure::Refused);
    assert!(!refused.to_string().contains("wrong"), "{refused}");
}

#[test]
fn a_fault_is_tried_again_and_never_gives_wrong_bytes() {
    let service = Service::start();
    let storage = service.storage(Attempts::Playback);
    let bytes = noise(100_000);
    service.place("a.mp3", &bytes);
    let object = Service::url("a.mp3");
    let etag = storage.head_blocking(&object).expect("it is there").etag;
    for faults in [&[Fault::Broken][..], &[Fault::SlowDown, Fault::Broken], &[Fault::Cut], &[Fault::Silent]] {
        service.fail_next(faults);
        let piece = storage.get_blocking(&object, 0..100_000, Some(&etag)).expect("a later try is good");
        assert!(piece.bytes == bytes, "{faults:?}");
    }
    service.fail_next(&[Fault::Short]);
    assert_eq!(kind(storage.get_blocking(&object, 0..100_000, Some(&etag))), StorageFailure::Wrong);
    // All tries fail.
    for fault in [Fault::Broken, Fault::SlowDown, Fault::Cut] {
        service.fail_always(Some(fault));
        let failed = storage.get_blocking(&object, 0..100_000, Some(&etag)).expect_err("no try is good");
        assert!(failed.is_transient(), "{fault:?}: {failed}");
    }
    service.fail_always(None);
    assert!(storage.get_blocking(&object, 0..100_000, Some(&etag)).expect("it recovers").bytes == bytes);
}

#[test]
fn a_read_for_playback_gives_up_after_10_s() {
    let service = Service::start();
    let storage = service.storage(Attempts::Playback);
    service.place("a.mp3", b"abc");
    service.fail_always(Some(Fault::Silent));
    let began = Instant::now();
    let failed = storage.get_blocking(&Service::url("a.mp3"), 0..3, None).expect_err("no try is good");
    assert_eq!(failed.kind, StorageFailure::Unavailable);
    // Far below the 2 minutes of scans, also on a slow machine.
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

#[test]
fn an_object_is_read_as_a_file_by_few_requests() {
    let service = Service::start();
    let storage = service.storage(Attempts::Background);
    let bytes = noise(5_000_000);
    service.place("a.flac", &bytes);
    let object = Service::url("a.flac");
    let head = storage.head_blocking(&object).expect("it is there");
    let mut reader = ObjectReader::new(storage.clone(), object.clone(), head.clone());
    let mut some = vec![0; 10];
    for at in [0, 5, 4_999_990, 60_000, 4_999_990, 3] {
        reader.seek(SeekFrom::Start(at)).expect("within");
        reader.read_exact(&mut some).expect("it reads");
        let at = usize::try_from(at).expect("small");
        assert_eq!(some, bytes[at..at + 10]);
    }
    let asked: Vec<_> = service.take_asked().into_iter().filter(|asked| asked.starts_with("GET")).collect();
    assert_eq!(asked.len(), 2, "the first block and the last bytes: {asked:?}");
    assert_eq!(reader.seek(SeekFrom::End(-5)).expect("within"), 4_999_995);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).expect("it reads");
    assert_eq!(rest, bytes[4_999_995..]);
    assert!(reader.seek(SeekFrom::Current(-5_000_001)).is_err(), "before the start");
    // As a whole, by blocks that grow.
    reader.rewind().expect("it has a start");
    let mut whole = Vec::new();
    reader.read_to_end(&mut whole).expect("it reads");
    assert!(whole == bytes);
    assert!(service.take_asked().len() < 12, "blocks grow while they are read one after the other");

    service.place("a.flac", &noise(4_000_000));
    fs::write(service.file("b.flac"), b"").expect("written");
    let mut changed = ObjectReader::new(storage, object, head);
    assert!(changed.read(&mut some).is_err());
    assert_eq!(changed.failure().expect("it says why").kind, StorageFailure::Changed);
}

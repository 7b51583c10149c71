//! What the API shows of tags: odd ones, sort names, and fields beside title and artist.

use super::library::{Library, wav};
use crate::harness::{Login, Server, until};
use std::{fs::OpenOptions, io::Write as _, path::Path};

/// Adds a chunk with an ID3v2.4 tag to a WAV file. Frames are shorter than 128 bytes and begin with their encoding.
fn append(path: &Path, frames: &[(&str, &[u8])]) {
    let frame =
        |(id, content): &(&str, &[u8])| [id.as_bytes(), &[0, 0, 0, content.len() as u8, 0, 0], content].concat();
    let frames: Vec<u8> = frames.iter().flat_map(frame).collect();
    let size = [(frames.len() >> 7) as u8, (frames.len() & 0x7f) as u8];
    let tag = [b"ID3\x04\0\0\0\0", size.as_slice(), &frames].concat();
    let chunk = [b"id3 ", (tag.len() as u32).to_le_bytes().as_slice(), &tag].concat();
    OpenOptions::new().append(true).open(path).expect("opened").write_all(&chunk).expect("written");
}

fn add(library: &Library, path: &str, seed: u32, frames: &[(&str, &[u8])]) {
    let path = library.path(path);
    wav(&path, seed);
    append(&path, frames);
}

async fn scanned(admin: &Login<'_>) {
    until("the scan is over", async || admin.get("/v1/library/scan").await.json()["complete"] == true).await;
}

async fn serve(library: &Library, more: &[&str]) -> Server {
    let music = library.music.path().to_str().expect("text");
    Server::start_with(&library.database, &[["--music", music].as_slice(), more].concat()).await
}

/// The values of this field in a list, as JSON text.
async fn values(admin: &Login<'_>, path: &str, field: &str) -> String {
    let list = admin.get(path).await.json();
    let items = list["items"].as_array().or(list["artists"]["items"].as_array()).expect("a list").clone();
    serde_json::Value::from(items.iter().map(|item| item[field].clone()).collect::<Vec<_>>()).to_string()
}

on_both_databases! {
    async fn every_loss_of_a_tag_is_counted_and_listed_with_its_reason(database) {
        let library = Library::new(database);
        add(&library, "a/good.wav", 1, &[("TIT2", b"\0Good")]);
        add(&library, "a/odd.wav", 2, &[("TALB", b"\x03Caf\xe9"), ("TDRC", b"\0yesterday"), ("TIT2", b"\0Odd")]);
        std::fs::write(library.path("a/bad.flac"), "no audio").expect("written");
        let server = serve(&library, &[]).await;
        let admin = server.admin(&library.database, "root").await;
        scanned(&admin).await;
        let scan = admin.get("/v1/library/scan").await.json();
        assert_eq!((&scan["losses"], &scan["unreadable"], &scan["trouble_count"]), (&2.into(), &1.into(), &0.into()));
        let troubles = admin.get("/v1/library/troubles").await.json();
        assert_eq!(troubles["total"], 2, "{troubles}");
        let items = troubles["items"].as_array().expect("items");
        let odd = items.iter().find(|item| item["is_readable"] == true).expect("the odd one");
        assert!(odd["path"].as_str().is_some_and(|path| path.ends_with("a/odd.wav")), "{odd}");
        let reasons = ["ID3v2.4 TALB: the text is not UTF-8; it is read as Latin-1", "date: \"yesterday\" is no date"];
        assert_eq!(odd["reasons"], serde_json::json!(reasons));
        let bad = items.iter().find(|item| item["is_readable"] == false).expect("the bad one");
        assert_eq!(bad["reasons"].as_array().map(Vec::len), Some(1));
        let user = server.user(&library.database, "ann").await;
        user.get("/v1/library/troubles").await.assert_error(403, "forbidden");
        let tracks = user.get("/v1/tracks").await.json();
        assert!(tracks["items"].as_array().is_some_and(|all| all.iter().any(|track| track["name"] == "Odd")));

        // A tag that was corrected is no trouble any more.
        add(&library, "a/odd.wav", 3, &[("TALB", b"\x03Caf"), ("TIT2", b"\0Odd")]);
        until("the correction was noticed", async || admin.get("/v1/library/troubles").await.json()["total"] == 1).await;
    }

    async fn names_are_sorted_by_their_sort_names_as_long_as_tags_have_them(database) {
        let library = Library::new(database);
        let sorted: &[(&str, &[u8])] = &[
            ("TIT2", b"\0Heroes"), ("TSOT", b"\0Zz"), ("TPE1", b"\0David Bowie"), ("TSOP", b"\0Bowie, David"),
            ("TALB", b"\0Zulu"), ("TSOA", b"\0Aa"), ("TPE2", b"\0Zed Band"), ("TSO2", b"\0Aaron"),
        ];
        add(&library, "a/1.wav", 1, sorted);
        add(&library, "a/2.wav", 2, &[("TIT2", b"\0Idle"), ("TPE1", b"\0Charlie"), ("TALB", b"\0Middle"), ("TPE2", b"\0Charlie")]);
        let server = serve(&library, &[]).await;
        let admin = server.admin(&library.database, "root").await;
        scanned(&admin).await;
        assert_eq!(values(&admin, "/v1/artists", "name").await, r#"["Zed Band","David Bowie","Charlie"]"#);
        assert_eq!(values(&admin, "/v1/artists", "sort_name").await, r#"["Aaron","Bowie, David",null]"#);
        assert_eq!(values(&admin, "/v1/albums", "name").await, r#"["Zulu","Middle"]"#);
        assert_eq!(values(&admin, "/v1/albums", "sort_name").await, r#"["Aa",null]"#);
        assert_eq!(values(&admin, "/v1/tracks", "name").await, r#"["Idle","Heroes"]"#);

        let plain: Vec<_> = sorted.iter().filter(|(id, _)| !id.starts_with("TS")).copied().collect();
        add(&library, "a/1.wav", 3, &plain);
        until("the sort names are gone", async || {
            values(&admin, "/v1/artists", "name").await == r#"["Charlie","David Bowie","Zed Band"]"#
        }).await;
        assert_eq!(values(&admin, "/v1/albums", "name").await, r#"["Middle","Zulu"]"#);
        assert_eq!(values(&admin, "/v1/tracks", "name").await, r#"["Heroes","Idle"]"#);
    }

    async fn more_fields_are_shown_and_names_are_split_by_the_settings(database) {
        let library = Library::new(database);
        let frames: &[(&str, &[u8])] = &[
            ("TIT2", b"\0T"), ("TALB", b"\0L"), ("TPE1", b"\0AC/DC feat. B"), ("TCOM", b"\0X; Y"), ("TCON", b"\0(84); Rock;Pop"),
            ("TDRC", b"\x002011-05"), ("TDOR", b"\x001973"), ("TXXX", b"\0ITUNESADVISORY\x001"),
            ("TXXX", b"\0REPLAYGAIN_TRACK_GAIN\0-7,5 dB"),
        ];
        add(&library, "a/1.wav", 1, frames);
        let names = |track: &serde_json::Value| {
            let artists = track["artists"].as_array().expect("artists").iter().map(|artist| artist["name"].clone());
            serde_json::Value::from(artists.collect::<Vec<_>>())
        };
        for more in [vec![], vec!["--split-artists", "/", "--split-genres", ""]] {
            let server = serve(&library, &more).await;
            let admin = server.admin(&library.database, if more.is_empty() { "root" } else { "ann" }).await;
            scanned(&admin).await;
            let before = admin.get("/v1/library/scan").await.json()["finished_at"].clone();
            admin.post("/v1/library/scan?reread_all=true", &serde_json::Value::Null).await;
            until("all is read again", async || {
                let scan = admin.get("/v1/library/scan").await.json();
                scan["complete"] == true && scan["queued"] == false && scan["finished_at"] != before
            }).await;
            let tracks = admin.get("/v1/tracks").await.json();
            let track = &tracks["items"][0];
            if more.is_empty() {
                assert_eq!(names(track), serde_json::json!(["AC/DC", "B"]));
                assert_eq!(track["genres"], serde_json::json!(["Fast Fusion", "Rock", "Pop"]));
                assert_eq!(track["composers"], serde_json::json!(["X", "Y"]));
            } else {
                assert_eq!(names(track), serde_json::json!(["AC", "DC feat. B"]));
                assert_eq!(track["genres"], serde_json::json!(["Fast Fusion", "Rock;Pop"]));
            }
            assert_eq!((&track["explicit"], &track["release_date"]), (&true.into(), &"2011-05".into()));
            assert_eq!(track["original_release_date"], "1973");
            assert_eq!(track["album"]["original_release_date"], "1973");
            assert_eq!(track["replay_gain"]["track_gain_db"], -7.5);
        }
    }
}

//! A file with several titles: the first is shown, all are found.

use crate::harness::{Login, Server, segue, until};
use std::{fs, path::Path};

/// Samples a second, and samples in the file.
const SAMPLES: u64 = 44_100;

/// Writes a FLAC file without audio whose header declares one second, with these Vorbis comments (RFC 9639, section 8).
fn flac(path: &Path, comments: &[&str]) {
    let length = |bytes: usize| u32::try_from(bytes).expect("short");
    let mut stream_info = vec![0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0];
    // 44,100 Hz in 20 bits, two channels (3 bits), 16 bits a sample (5 bits), 44,100 samples (36 bits); no MD5.
    stream_info.extend(((SAMPLES << 44) | (1 << 41) | (15 << 36) | SAMPLES).to_be_bytes());
    stream_info.extend([0; 16]);
    let mut block = vec![0, 0, 0, 0];
    block.extend(length(comments.len()).to_le_bytes());
    for comment in comments {
        block.extend(length(comment.len()).to_le_bytes());
        block.extend(comment.as_bytes());
    }
    let mut bytes = b"fLaC".to_vec();
    bytes.extend(length(stream_info.len()).to_be_bytes());
    bytes.extend(stream_info);
    // The last block, of type 4.
    bytes.extend((0x8400_0000 | length(block.len())).to_be_bytes());
    bytes.extend(block);
    fs::write(path, bytes).expect("written");
}

/// The names of the tracks that a search finds.
async fn found(login: &Login<'_>, words: &str) -> Vec<String> {
    let page = login.get(&format!("/v1/search?type=track&q={words}")).await.json();
    let items = page["tracks"]["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|track| track["name"].as_str().map(str::to_owned)).collect()
}

on_both_databases! {
    async fn the_first_is_shown_and_all_are_found(database) {
        let music = database.folder.path().join("music");
        fs::create_dir(&music).expect("made");
        flac(&music.join("1.flac"), &["TITLE=Ranavalona", "ARTIST=Anna", "TITLE=Queen of the Island", "TITLE=Ranavalona"]);
        flac(&music.join("2.flac"), &["TITLE=Another", "ARTIST=Anna"]);
        let server = Server::start_with(&database, &["--music", music.to_str().expect("text")]).await;
        let login = server.user(&database, "anna").await;
        until("both are found", async || found(&login, "anna").await.len() == 2).await;
        assert_eq!(found(&login, "ranavalona").await, ["Ranavalona"]);
        assert_eq!(found(&login, "island+queen").await, ["Ranavalona"]);
        assert_eq!(found(&login, "another").await, ["Another"]);
        // A removed title is not found any more.
        flac(&music.join("1.flac"), &["TITLE=Ranavalona", "ARTIST=Anna"]);
        let scanned = segue(&database).arg("scan").arg("--music").arg(&music).output().expect("the program runs");
        assert!(scanned.status.success(), "{scanned:?}");
        until("it is forgotten", async || found(&login, "island").await.is_empty()).await;
        assert_eq!(found(&login, "ranavalona").await, ["Ranavalona"]);
    }
}

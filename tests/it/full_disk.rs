//! A full disk: the server reports it, continues to answer requests that write nothing, and loses no data.

use crate::harness::{Login, Server, bare, pass_environment, run, until, with_disk};
use awc::http::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

/// The size of the disk: enough for a start, and for little more.
const DISK_MIB: u32 = 24;

/// Writes a WAV file of 0.1 s.
fn wav(path: &Path, seed: u32) {
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).expect("created");
    let samples = (0..800_u32).map(|step| i16::try_from(step.wrapping_mul(seed + 31) % 2_000).expect("small"));
    samples.for_each(|sample| writer.write_sample(sample).expect("written"));
    writer.finalize().expect("finished");
}

/// A server with an admin, whose data folder is a small disk in a mount namespace that ends with the server.
async fn on_small_disk(data: &Path, music: &Path) -> Server {
    const ADD_ADMIN_AND_SERVE: &str = r#""$1" user add ann --admin >&2; exec setpriv --pdeathsig KILL "$@""#;
    let mut command = with_disk(&format!("size={DISK_MIB}m"), data);
    command.args(["sh", "-ec", ADD_ADMIN_AND_SERVE, "sh", env!("CARGO_BIN_EXE_segue")]);
    command.args(["serve", "--listen", "127.0.0.1:0", "--check-mb-per-s", "0", "--music"]).arg(music);
    pass_environment(&bare(), &mut command);
    command.env("SEGUE_DATA_DIR", data).env("SEGUE_PASSWORD", "ann-password");
    Server::run(command).await
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("created");
    for length in [1 << 20, 4096, 1] {
        loop {
            match file.write(&vec![b'x'; length]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The names of all tracks.
async fn tracks(login: &Login<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for offset in (0..).step_by(50) {
        let page = login.get(&format!("/v1/tracks?limit=50&offset={offset}")).await.json();
        let items = page["items"].as_array().expect("items");
        names.extend(items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()));
        if items.is_empty() {
            break;
        }
    }
    names
}

async fn scanned(login: &Login<'_>, what: &str, holds: impl Fn(&Value) -> bool) {
    until(what, async || {
        let scan = login.get("/v1/library/scan").await.json();
        scan["running"] == false && scan["queued"] == false && holds(&scan)
    })
    .await;
}

#[test]
fn a_full_disk_is_reported_and_loses_no_data() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, music): (PathBuf, PathBuf) = (folder.path().join("data"), folder.path().join("music"));
        fs::create_dir(&data).and_then(|()| fs::create_dir(&music)).expect("made");
        let file = |number: u32| music.join(format!("{number:03}.wav"));
        (0..20).for_each(|number| wav(&file(number), number));
        let server = on_small_disk(&data, &music).await;
        let login = server.log_in("ann", "ann-password").await;
        scanned(&login, "the first scan ends", |scan| scan["complete"] == true).await;
        let before = tracks(&login).await;
        assert_eq!(before.len(), 20);

        let filler =
            PathBuf::from(format!("/proc/{}/root", server.pid())).join(data.strip_prefix("/").expect("absolute"));
        let filler = filler.join("filler");
        fill(&filler);
        (20..1_500).for_each(|number| wav(&file(number), number));
        login.post("/v1/library/scan", &json!({})).await;
        scanned(&login, "the scan ends for want of room", |scan| {
            let troubles = scan["troubles"].as_array().expect("troubles");
            let named = troubles.iter().any(|trouble| trouble.as_str().is_some_and(|trouble| trouble.contains("full")));
            scan["complete"] == false && named
        })
        .await;

        // Requests that write nothing are answered.
        assert_eq!(login.get("/v1/me").await.status, 200);
        assert!(tracks(&login).await.is_superset(&before));
        let first = login.get("/v1/tracks?limit=1").await.json()["items"][0].clone();
        let audio = login.get(&format!("/v1/tracks/{}/stream", first["id"].as_str().expect("an id"))).await;
        assert_eq!(audio.body, fs::read(file(0)).expect("read"));
        // Writes that do not fit are refused, and acknowledged ones are kept.
        let mut made = Vec::new();
        until("a list is refused for want of room", async || {
            let list = json!({"name": "x".repeat(100), "description": "y".repeat(250)});
            let reply = login.send(Method::POST, "/v1/me/playlists", &list).await;
            if reply.status == 201 {
                made.push(reply.json()["id"].clone());
                return false;
            }
            reply.assert_error(507, "storage_full");
            true
        })
        .await;

        fs::remove_file(&filler).expect("removed");
        login.post("/v1/library/scan", &json!({})).await;
        scanned(&login, "all is scanned", |scan| scan["complete"] == true && scan["seen"] == 1_500).await;
        assert_eq!(tracks(&login).await.len(), 1_500);
        for id in made {
            let list = login.get(&format!("/v1/playlists/{}", id.as_str().expect("an id"))).await;
            assert_eq!(list.status, 200);
        }
    });
}

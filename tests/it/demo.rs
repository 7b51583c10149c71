//! `segue demo` in an empty folder, a second time, and after a kill.

use crate::harness::{Reply, bare, python, run, send, until};
use awc::Client;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::SystemTime,
};

/// A running demo with tracks of a few seconds.
struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Demo {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = command(data, arguments).stdout(Stdio::piped()).spawn().expect("the demo starts");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        Self { child, output }
    }

    /// Reads its output up to the last line of the greeting.
    fn greeting(&mut self) -> String {
        let mut text = String::new();
        while !text.contains("Ctrl-C") {
            assert!(self.output.read_line(&mut text).expect("it writes UTF-8") > 0, "ended early: {text}");
        }
        text
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().expect("the demo is our child");
        self.child.wait().expect("a killed process ends");
    }
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = bare();
    command.args(["demo", "--short", "--data-dir"]).arg(data).args(arguments);
    command
}

/// The word after `label` in the greeting.
fn word<'a>(greeting: &'a str, label: &str) -> &'a str {
    let rest = greeting.split_once(label).unwrap_or_else(|| panic!("no {label:?} in {greeting}")).1;
    rest.split_whitespace().next().expect("a word")
}

/// The address of the demo, without a slash at the end.
fn base(greeting: &str) -> &str {
    word(greeting, "open this in your browser to listen: ").trim_end_matches('/')
}

async fn log_in(greeting: &str) -> Reply {
    let base = base(greeting);
    let body = json!({"username": word(greeting, "user "), "password": word(greeting, "password ")});
    crate::harness::receive(Client::default().post(format!("{base}/v1/auth/login")).send_json(&body).await).await
}

fn music(data: &Path) -> BTreeMap<PathBuf, SystemTime> {
    fn add(folder: &Path, found: &mut BTreeMap<PathBuf, SystemTime>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.expect("an entry");
            // A temporary file may have been renamed since the folder was listed.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                add(&entry.path(), found);
            } else {
                found.insert(entry.path(), metadata.modified().expect("a time"));
            }
        }
    }
    let mut found = BTreeMap::new();
    add(&data.join("music"), &mut found);
    found
}

#[test]
fn a_start_after_a_kill_completes_the_library_and_later_starts_change_nothing() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("new/demo");
        let whole = |found: &BTreeMap<PathBuf, SystemTime>| -> BTreeMap<PathBuf, SystemTime> {
            let is_whole = |path: &PathBuf| !path.to_string_lossy().ends_with(".part");
            found.iter().filter(|(path, _)| is_whole(path)).map(|(path, time)| (path.clone(), *time)).collect()
        };
        let killed = Demo::start(&data, &["--listen", "127.0.0.1:0"]);
        until("three tracks are made", async || whole(&music(&data)).len() >= 3).await;
        drop(killed);
        let survivors = whole(&music(&data));

        let mut first = Demo::start(&data, &["--listen", "127.0.0.1:0"]);
        let greeting = first.greeting();
        let login = log_in(&greeting).await;
        assert_eq!(login.status, 200, "{:?}", login.json());
        let made = music(&data);
        assert_eq!(made, whole(&made), "half-written files were left");
        assert!(made.len() > 30, "{made:?}");
        assert!(survivors.iter().all(|(path, time)| made.get(path) == Some(time)), "a whole file was made again");
        let bits = fs::metadata(data.join("password")).expect("the password's file").permissions().mode();
        assert_eq!(bits & 0o777, 0o600);
        let kept = fs::read_to_string(data.join("password")).expect("the password's file");
        assert_eq!(kept.trim_end(), word(&greeting, "password "));

        let second = command(&data, &["--listen", "127.0.0.1:0"]).output().expect("the program runs");
        let told = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(!second.status.success() && told.contains("another demo runs"), "{told}");
        drop(first);

        let mut again = Demo::start(&data, &["--listen", "127.0.0.1:0"]);
        let greeting_again = again.greeting();
        assert_eq!(word(&greeting_again, "password "), word(&greeting, "password "));
        assert_eq!(music(&data), made, "the second start made something");
        assert_eq!(log_in(&greeting_again).await.status, 200);
        let ready = send(Client::default().get(format!("{}/readyz", base(&greeting_again)))).await;
        assert_eq!(ready.status, 200);
    });
}

/// The tags that mutagen or ffprobe read from a file: title, artists, album, album artists, disc, track and year.
type Opinion = [String; 7];

fn mutagen(music: &Path) -> BTreeMap<String, (Opinion, f64)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora/second_opinion.py");
    let output = python().arg(script).arg(music).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let opinion = |line: &str| {
        let file: Value = serde_json::from_str(line).expect("JSON");
        let text = |field: &str| match &file[field] {
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(";"),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let words = ["title", "artists", "album", "album_artists", "disc", "track", "year"].map(text);
        (text("path"), (words, file["duration_ms"].as_f64().expect("a duration")))
    };
    text.lines().map(opinion).collect()
}

fn ffprobe(path: &str) -> (Opinion, f64) {
    let output = Command::new("ffprobe").args(["-v", "error", "-show_format", "-of", "json", path]).output();
    let told: Value = serde_json::from_slice(&output.expect("ffprobe runs").stdout).expect("JSON");
    let format = &told["format"];
    let tags = format["tags"].as_object().expect("tags");
    // ffprobe prints keys of Vorbis comments in upper case.
    let text = |name: &str| {
        let tag = tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name));
        tag.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
    };
    let number = |name: &str| text(name).split('/').next().unwrap_or_default().trim_start_matches('0').to_owned();
    let words = [
        text("title"),
        text("artist"),
        text("album"),
        text("album_artist"),
        number("disc"),
        number("track"),
        text("date"),
    ];
    let seconds: f64 = format["duration"].as_str().and_then(|text| text.parse().ok()).expect("a duration");
    (words, seconds * 1_000.0)
}

#[test]
fn mutagen_ffprobe_and_the_server_read_the_same_tags() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let mut demo = Demo::start(folder.path(), &["--listen", "127.0.0.1:0"]);
        let greeting = demo.greeting();
        let token = log_in(&greeting).await.json()["token"].clone();
        let theirs = mutagen(&folder.path().join("music"));
        assert!(theirs.len() >= 30, "{theirs:?}");
        let client = Client::default();
        let mut ours = BTreeMap::new();
        until("all is scanned", async || {
            let url = format!("{}/v1/tracks?limit=50", base(&greeting));
            let page = send(client.get(url).bearer_auth(token.as_str().expect("a token"))).await.json();
            let tracks = page["items"].as_array().expect("items").clone();
            ours =
                tracks.into_iter().map(|track| (track["name"].as_str().expect("a name").to_owned(), track)).collect();
            ours.len() == theirs.len()
        })
        .await;
        for (path, (words, duration_ms)) in &theirs {
            let (other_words, other_ms) = ffprobe(path);
            assert_eq!(&other_words, words, "{path}");
            assert!((duration_ms - other_ms).abs() <= 50.0, "{path}: {duration_ms} and {other_ms} ms");
            let track = &ours[&words[0]];
            let names = |list: &Value| {
                let names = list.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str());
                names.collect::<Vec<_>>().join(";")
            };
            let our_words = [
                words[0].clone(),
                names(&track["artists"]),
                track["album"]["name"].as_str().expect("a name").to_owned(),
                names(&track["album"]["artists"]),
                track["disc_number"].to_string(),
                track["track_number"].to_string(),
                track["album"]["release_date"].as_str().unwrap_or_default().to_owned(),
            ];
            assert_eq!(&our_words, words, "{path}");
            let our_ms = track["duration_ms"].as_f64().expect("a duration");
            assert!((duration_ms - our_ms).abs() <= 50.0, "{path}: {duration_ms} and {our_ms} ms");
        }
    });
}

#[test]
fn a_lost_password_file_is_replaced_with_a_new_password() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let greeting = Demo::start(folder.path(), &["--listen", "127.0.0.1:0"]).greeting();
        fs::remove_file(folder.path().join("password")).expect("it was there");
        let mut demo = Demo::start(folder.path(), &["--listen", "0.0.0.0:0"]);
        let again = demo.greeting();
        assert_ne!(word(&again, "password "), word(&greeting, "password "));
        assert_eq!(log_in(&again).await.status, 200);
    });
}

#[test]
fn the_message_names_a_folder_that_cannot_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("letter.txt"), "").expect("a file");
    for (data, told) in
        [(folder.path().to_owned(), "no demo made"), (folder.path().join("letter.txt"), "cannot be used")]
    {
        let output = command(&data, &[]).output().expect("the program runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(told) && text.contains("--data-dir"), "{text}");
    }
}

#[test]
fn a_tilde_is_the_home_folder_and_every_name_of_a_folder_will_do() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("what? a demo");
    // What marks a library that is made.
    fs::create_dir_all(folder.join("music")).expect("made");
    for mark in [".segue-demo", "music/.segue-demo-made"] {
        fs::write(folder.join(mark), "").expect("written");
    }
    let start = |data: &str| {
        let mut command = bare();
        command.args(["demo", "--listen", "127.0.0.1:0", data]).env("HOME", home.path()).current_dir(home.path());
        command
    };
    let mut child = start("--data-dir=~/what? a demo").stdout(Stdio::piped()).spawn().expect("the demo starts");
    let output = BufReader::new(child.stdout.take().expect("its output is piped"));
    let greeting = Demo { child, output }.greeting();
    let folder = folder.canonicalize().expect("it is there");
    assert!(greeting.contains(&format!("Everything is kept in {}", folder.display())), "{greeting}");
    assert!(folder.join("segue.db").exists());
    let refused = start("--data-dir=~ben/demo").output().expect("the program runs");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && told.contains("~ben/demo") && told.contains("--data-dir"), "{told}");
    assert!(!told.contains("--database-url") && !home.path().join("~ben").exists(), "{told}");
}

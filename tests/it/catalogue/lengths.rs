//! Lengths are those that a decoder plays, and codecs and channels have their right names. ffmpeg makes the files and
//! decodes them.

use super::library::Library;
use crate::harness::Server;
use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// How far a length may be off, in milliseconds.
const CLOSE: i64 = 50;

fn ffmpeg(arguments: &[&str], path: &Path) {
    let sound = ["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=duration=7.3:sample_rate=48000"];
    let done = Command::new("ffmpeg").args(sound).args(arguments).arg(path).status().expect("ffmpeg runs");
    assert!(done.success(), "{arguments:?}");
}

/// The milliseconds of sound that ffmpeg decodes.
fn decoded_ms(path: &Path) -> i64 {
    let file = path.to_str().expect("UTF-8");
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "quiet", "-i", file, "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"])
        .output()
        .expect("ffmpeg runs");
    i64::try_from(output.stdout.len()).expect("short") / 96
}

/// Keeps so many hundredths of a file, as when a download broke off.
fn cut(path: &Path, hundredths: usize) {
    let bytes = fs::read(path).expect("read");
    fs::write(path, &bytes[..bytes.len() * hundredths / 100]).expect("written");
}

#[test]
fn lengths_are_those_that_a_decoder_plays() {
    crate::harness::run(async {
        let library = Library::sqlite();
        let fragments = ["-movflags", "frag_keyframe+empty_moov", "-frag_duration", "1000000"];
        let with = |codec: &[&'static str], more: &[&'static str]| [codec, more].concat();
        // Name, what ffmpeg is told, hundredths that are kept, codec, channels.
        let files = [
            ("plain.m4a", with(&["-c:a", "aac"], &[]), 100, "aac", 1),
            ("fragments.m4a", with(&["-c:a", "aac"], &fragments), 100, "aac", 1),
            ("dash.mp4", with(&["-c:a", "aac"], &["-movflags", "dash", "-frag_duration", "700000"]), 100, "aac", 1),
            ("cut.m4a", with(&["-c:a", "aac"], &fragments), 60, "aac", 1),
            ("7.1.m4a", with(&["-c:a", "aac", "-ac", "8"], &[]), 100, "aac", 8),
            ("dolby.m4a", with(&["-c:a", "ac3", "-ac", "6"], &[]), 100, "ac3", 6),
            ("dolby.mp4", with(&["-c:a", "eac3", "-ac", "2"], &[]), 100, "eac3", 2),
            ("opus.mp4", with(&["-c:a", "libopus", "-ac", "2"], &[]), 100, "opus", 2),
            ("alac.m4a", with(&["-c:a", "alac"], &fragments), 100, "alac", 1),
            ("whole.ogg", with(&["-c:a", "libvorbis"], &[]), 100, "vorbis", 1),
            ("cut.ogg", with(&["-c:a", "libvorbis"], &[]), 55, "vorbis", 1),
            ("whole.opus", with(&["-c:a", "libopus"], &[]), 100, "opus", 1),
            ("cut.opus", with(&["-c:a", "libopus"], &[]), 70, "opus", 1),
            ("flac.oga", with(&["-c:a", "flac", "-metadata", "title=Named", "-f", "ogg"], &[]), 100, "flac", 1),
            ("whole.aac", with(&["-c:a", "aac", "-f", "adts"], &[]), 100, "aac", 1),
            ("cut.aac", with(&["-c:a", "aac", "-f", "adts", "-ac", "2"], &[]), 40, "aac", 2),
            ("wide.wav", with(&["-rf64", "always", "-metadata", "title=Wide"], &[]), 100, "pcm", 1),
            ("cut.wav", with(&["-ac", "2"], &[]), 30, "pcm", 2),
            ("law.wav", with(&["-c:a", "pcm_mulaw"], &[]), 100, "mulaw", 1),
            ("adpcm.wav", with(&["-c:a", "adpcm_ms"], &[]), 100, "adpcm", 1),
            ("ima.wav", with(&["-c:a", "adpcm_ima_wav"], &[]), 100, "adpcm", 1),
            ("cut.aiff", with(&["-ac", "2"], &[]), 40, "pcm", 2),
            ("cut.flac", with(&["-c:a", "flac"], &[]), 45, "flac", 1),
            ("cut.wv", with(&["-c:a", "wavpack"], &[]), 50, "wavpack", 1),
            ("fast.m4a", with(&["-c:a", "alac"], &["-movflags", "faststart"]), 35, "alac", 1),
            ("whole.mp3", with(&["-c:a", "libmp3lame"], &["-q:a", "5"]), 100, "mp3", 1),
            ("cut.mp3", with(&["-c:a", "libmp3lame"], &["-q:a", "5"]), 60, "mp3", 1),
            ("uncounted.mp3", with(&["-c:a", "libmp3lame", "-abr", "1"], &["-write_xing", "0"]), 100, "mp3", 1),
        ];
        for (name, arguments, kept, ..) in &files {
            let path = library.path(name);
            ffmpeg(arguments, &path);
            cut(&path, *kept);
        }
        // Into a pipe, where the writer cannot go back.
        for (name, format) in [("pipe.wav", "wav"), ("pipe.flac", "flac")] {
            let output = Command::new("ffmpeg")
                .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine=duration=3", "-f", format, "-"])
                .output()
                .expect("ffmpeg runs");
            fs::write(library.path(name), output.stdout).expect("written");
        }
        let mut expected: BTreeMap<&str, (&str, u64)> =
            files.iter().map(|(name, _, _, codec, channels)| (*name, (*codec, *channels))).collect();
        expected.extend([("pipe.wav", ("pcm", 1)), ("pipe.flac", ("flac", 1))]);
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let tracks = login.get("/v1/tracks?limit=50").await.json();
        let of = |title: &str| {
            let mut all = tracks["items"].as_array().expect("tracks").iter();
            all.find(|track| track["name"] == title).unwrap_or_else(|| panic!("{title}: {:?}", library.rows())).clone()
        };
        for (id, row) in library.rows() {
            let name = id.as_str();
            let (codec, channels) = expected[name];
            assert_eq!(row.error, None, "{name}");
            let audio = library.audio(row.id);
            let decoded = decoded_ms(&library.path(name));
            assert!((audio.0 - decoded).abs() <= CLOSE, "{name}: {} ms, decoded {decoded} ms", audio.0);
            assert_eq!((audio.1.as_str(), audio.2), (codec, Some(i64::try_from(channels).expect("few"))), "{name}");
        }
        // The tags of files in such forms are read as well.
        assert_eq!(
            (of("Named")["audio"]["container"].as_str(), of("Wide")["audio"]["codec"].as_str()),
            (Some("ogg"), Some("pcm"))
        );
    });
}

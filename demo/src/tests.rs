//! Tests of the whole library: lengths, loudness, gapless cuts, continuing after an interruption.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lofty::file::{AudioFile as _, TaggedFileExt as _};
use lofty::tag::{Accessor as _, ItemKey};

use super::library::{ALBUMS, DemoTrack, Format};
use super::make::{Length, MADE, Progress, make};
use super::music::compose;
use super::number::frames;
use super::sound::{loudness_lufs, render};

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn tracks_last_45_to_120_seconds() {
    for album in ALBUMS {
        let runs = album.tracks.chunks(if album.continuous { album.tracks.len() } else { 1 });
        for run in runs {
            let (_, ends_s) = compose(&run.iter().map(|track| track.piece).collect::<Vec<_>>());
            let mut start_s = 0.0;
            for (track, end_s) in run.iter().zip(ends_s) {
                assert!((45.0..=120.0).contains(&(end_s - start_s)), "{}: {} s", track.title, end_s - start_s);
                start_s = end_s;
            }
        }
    }
}

#[test]
fn no_two_pieces_sound_the_same() {
    let tracks: Vec<&DemoTrack> = ALBUMS.iter().flat_map(|album| album.tracks).collect();
    assert!((28..=36).contains(&tracks.len()));
    let seeds: BTreeSet<u64> = tracks.iter().map(|track| track.piece.seed).collect();
    assert_eq!(seeds.len(), tracks.len());
    for (index, one) in tracks.iter().enumerate() {
        for other in tracks.iter().skip(index + 1) {
            let same_style = std::ptr::eq(one.piece.style, other.piece.style);
            let far = one.piece.lead != other.piece.lead && one.piece.key != other.piece.key;
            assert!(!same_style || far, "{} and {} are too much alike", one.title, other.title);
        }
    }
}

#[test]
fn no_track_clips_and_all_are_about_as_loud() {
    for album in ALBUMS {
        for track in album.tracks {
            let (score, _) = compose(&[track.piece.within(Length::Short)]);
            let sound = render(&score, track.rate);
            assert_eq!(sound.left.len(), frames(score.length_s, track.rate));
            let peak = sound.left.iter().chain(&sound.right).fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!(peak < 0.98 && peak > 0.1, "{} peaks at {peak}", track.title);
            let loudness = loudness_lufs(&[&sound.left, &sound.right], track.rate);
            assert!((-21.0..=-12.0).contains(&loudness), "{} is at {loudness} LUFS", track.title);
            let last = sound.left.last().unwrap().abs().max(sound.right.last().unwrap().abs());
            assert!(last < 0.001, "{} ends with a click of {last}", track.title);
        }
    }
}

#[test]
fn an_album_without_gaps_is_cut_without_a_gap() {
    let album = ALBUMS.iter().find(|album| album.continuous).unwrap();
    let pieces: Vec<_> = album.tracks.iter().map(|track| track.piece.within(Length::Short)).collect();
    let (score, ends_s) = compose(&pieces);
    let sound = render(&score, 44_100);
    for end_s in &ends_s[..ends_s.len() - 1] {
        let cut = frames(*end_s, 44_100);
        let around = &sound.left[cut - 2205..cut + 2205];
        let power = around.iter().map(|sample| sample * sample).sum::<f32>() / 4410.0;
        assert!(power.sqrt() > 0.005, "silence at the cut at {end_s} s");
    }
}

#[test]
fn an_interrupted_run_is_continued_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut told = Vec::new();
    assert!(make(root, Length::Short, |progress| told.push(progress)).unwrap());
    let total = ALBUMS.iter().map(|album| album.tracks.len()).sum();
    assert_eq!((told[0], *told.last().unwrap()), (Progress { done: 0, total }, Progress { done: total, total }));
    let first = files(root);
    assert!(!first.keys().any(|name| name.contains(".part")));

    // What a killed run leaves: no marker file, files missing, one file half written.
    let gone = ["Tidewheel/Four Tides (2019)/02 Slack Water.flac", "Pixel Heron/8 Bits of Sky (2020)/cover.jpg"];
    for name in gone {
        fs::remove_file(root.join(name)).unwrap();
    }
    fs::remove_file(root.join(MADE)).unwrap();
    fs::write(root.join("Tidewheel/Four Tides (2019)/.02 Slack Water.flac.part"), "half").unwrap();
    let kept = root.join("Tidewheel/Four Tides (2019)/01 Ebb.flac");
    let modified = fs::metadata(&kept).unwrap().modified().unwrap();
    assert!(make(root, Length::Short, |_| {}).unwrap());
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), modified);
    assert!(files(root) == first, "the continued run wrote other bytes");

    check_tags(root);

    // With the marker file a deleted file is not made again.
    fs::remove_file(root.join(gone[0])).unwrap();
    assert!(!make(root, Length::Short, |_| {}).unwrap());
    assert!(!root.join(gone[0]).exists());
}

fn check_tags(root: &Path) {
    let mut seen = 0;
    for album in ALBUMS {
        for track in album.tracks {
            let found = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap().into_path()).find(|path| {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                name == format!("{:02} {}", track.number, track.title) && path.extension().is_some()
            });
            let path = found.unwrap_or_else(|| panic!("no file of {}", track.title));
            let file = lofty::read_from_path(&path).unwrap();
            let properties = file.properties();
            assert_eq!(properties.sample_rate(), Some(track.rate));
            assert_eq!(properties.channels().map(u16::from), Some(track.channels));
            let tag = file.primary_tag().unwrap();
            assert_eq!(tag.title().as_deref(), Some(track.title));
            assert_eq!(tag.album().as_deref(), Some(album.title));
            assert_eq!(tag.get_string(ItemKey::AlbumArtist), Some(album.artist));
            assert_eq!(tag.get_strings(ItemKey::TrackArtist).collect::<Vec<_>>(), track.artists);
            assert_eq!((tag.track(), tag.disk()), (Some(track.number), Some(track.disc)));
            assert_eq!(tag.genre().as_deref(), Some(album.genre));
            assert_eq!(tag.get_string(ItemKey::RecordingDate), Some(album.year.to_string().as_str()));
            assert_eq!(tag.get_string(ItemKey::FlagCompilation).is_some(), album.compilation);
            assert!(tag.get_string(ItemKey::ReplayGainTrackGain).unwrap().ends_with(" dB"));
            match album.format {
                Format::Flac => assert_eq!(tag.pictures().len(), 1),
                Format::Wav => assert!(path.with_file_name("cover.jpg").exists()),
            }
            seen += 1;
        }
    }
    assert!(seen > 28);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = make(&file.join("music"), Length::Short, |_| {}).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

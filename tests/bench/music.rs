//! Makes folders of tagged audio files from one clip for each format. ffmpeg makes the clips.

use lofty::{
    config::WriteOptions,
    tag::{ItemKey, Tag, TagExt as _, TagType},
};
use std::{fs, io::Cursor, path::Path, process::Command, thread};

/// Tracks of an album.
pub(crate) const ALBUM: usize = 11;
/// Tracks of an artist.
pub(crate) const ARTIST: usize = 44;

/// One clip in one format.
#[derive(Debug)]
pub(crate) struct Clip {
    ending: &'static str,
    tags: TagType,
    bytes: Vec<u8>,
}

/// Half a second of a tone in each format.
pub(crate) fn short() -> Vec<Clip> {
    let formats = [
        ("mp3", TagType::Id3v2),
        ("flac", TagType::VorbisComments),
        ("ogg", TagType::VorbisComments),
        ("opus", TagType::VorbisComments),
        ("m4a", TagType::Mp4Ilst),
        ("wav", TagType::Id3v2),
        ("aiff", TagType::Id3v2),
    ];
    formats.map(|(ending, tags)| clip("sine=duration=0.5", ending, tags)).into()
}

/// Clips of the size of real tracks: a FLAC and an MP3 of 3 MB or more.
pub(crate) fn long() -> Vec<Clip> {
    let clips = [
        clip("anoisesrc=duration=60:sample_rate=44100", "flac", TagType::VorbisComments),
        clip("anoisesrc=duration=200:sample_rate=44100", "mp3", TagType::Id3v2),
    ];
    clips.into_iter().inspect(|clip| assert!(clip.bytes.len() >= 3_000_000, "{}", clip.ending)).collect()
}

fn clip(sound: &str, ending: &'static str, tags: TagType) -> Clip {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("clip.{ending}"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", sound]);
    if ending == "mp3" {
        ffmpeg.args(["-b:a", "128k"]);
    }
    if ending == "ogg" {
        ffmpeg.args(["-c:a", "libvorbis"]);
    }
    let status = ffmpeg.arg(&path).status().expect("ffmpeg runs");
    assert!(status.success(), "{ending}");
    Clip { ending, tags, bytes: fs::read(path).expect("read") }
}

/// Writes `files` files from the clips in turn, each with other tags: `Artist 3/Album 14/07 Track 161.flac`.
pub(crate) fn fill(folder: &Path, clips: &[Clip], files: usize) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for first in 0..threads {
            scope.spawn(move || (first..files).step_by(threads).for_each(|number| write(folder, clips, number)));
        }
    });
}

fn write(folder: &Path, clips: &[Clip], number: usize) {
    let (artist, album) = (format!("Artist {}", number / ARTIST), format!("Album {}", number / ALBUM));
    let clip = &clips[number % clips.len()];
    let mut tag = Tag::new(clip.tags);
    for (key, text) in [
        (ItemKey::TrackTitle, format!("Track {number}")),
        (ItemKey::TrackArtist, artist.clone()),
        (ItemKey::AlbumTitle, album.clone()),
        (ItemKey::AlbumArtist, artist.clone()),
        (ItemKey::TrackNumber, (number % ALBUM + 1).to_string()),
        (ItemKey::RecordingDate, (1960 + number / ALBUM % 60).to_string()),
        (ItemKey::Genre, format!("Genre {}", number / ARTIST % 30)),
    ] {
        tag.insert_text(key, text);
    }
    let mut bytes = Cursor::new(clip.bytes.clone());
    tag.save_to(&mut bytes, WriteOptions::default()).expect("tagged");
    let folder = folder.join(artist).join(album);
    fs::create_dir_all(&folder).expect("made");
    let name = format!("{:02} Track {number}.{}", number % ALBUM + 1, clip.ending);
    fs::write(folder.join(name), bytes.into_inner()).expect("written");
}

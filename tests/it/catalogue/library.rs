//! A folder of small audio files, and scans of it.

use crate::harness::{Dialect, TestDatabase};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _};
use lofty::{
    config::WriteOptions,
    picture::{MimeType, Picture, PictureType},
    tag::{ItemKey, ItemValue, Tag, TagExt as _, TagItem, TagType},
};
use segue::{
    catalog::scan::{Board, Music, ScanProgress, Scope, run_one},
    db::{
        Db,
        schema::{albums, files, folders, tracks},
    },
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};
use tempfile::TempDir;

/// The tags of a file; empty texts are not written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Song {
    pub(crate) title: &'static str,
    pub(crate) artists: Vec<&'static str>,
    pub(crate) album: &'static str,
    pub(crate) album_artist: &'static str,
    pub(crate) track: u32,
    pub(crate) disc: u32,
    pub(crate) date: &'static str,
    pub(crate) genre: &'static str,
    pub(crate) compilation: bool,
    pub(crate) picture: Option<Vec<u8>>,
}

/// Writes a WAV file of 0.1 s; each `seed` gives other samples.
pub(crate) fn wav(path: &Path, seed: u32) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("created");
    for step in 0..800_u32 {
        let sample = i16::try_from(step.wrapping_mul(seed.wrapping_mul(7) + 31) % 2_000).expect("small");
        writer.write_sample(sample).expect("written");
    }
    writer.finalize().expect("finished");
}

/// Writes tags to a WAV file; they replace those it has.
pub(crate) fn tag(path: &Path, song: &Song) {
    let mut tag = Tag::new(TagType::Id3v2);
    let mut put = |key, text: String| {
        if !text.is_empty() {
            tag.push(TagItem::new(key, ItemValue::Text(text)));
        }
    };
    let number = |number: u32| if number == 0 { String::new() } else { number.to_string() };
    put(ItemKey::TrackTitle, song.title.to_owned());
    for artist in &song.artists {
        put(ItemKey::TrackArtist, (*artist).to_owned());
    }
    put(ItemKey::AlbumTitle, song.album.to_owned());
    put(ItemKey::AlbumArtist, song.album_artist.to_owned());
    put(ItemKey::TrackNumber, number(song.track));
    put(ItemKey::DiscNumber, number(song.disc));
    put(ItemKey::RecordingDate, song.date.to_owned());
    put(ItemKey::Genre, song.genre.to_owned());
    put(ItemKey::FlagCompilation, if song.compilation { "1".to_owned() } else { String::new() });
    if let Some(picture) = &song.picture {
        let picture = Picture::unchecked(picture.clone()).pic_type(PictureType::CoverFront).mime_type(MimeType::Png);
        tag.push_picture(picture.build());
    }
    tag.save_to_path(path, WriteOptions::default()).expect("tagged");
}

/// A music folder and the database into which it is scanned.
pub(crate) struct Library {
    pub(crate) database: TestDatabase,
    pub(crate) db: Db,
    pub(crate) music: TempDir,
}

/// A file's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) missing: bool,
    pub(crate) error: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) album: Option<String>,
}

impl Library {
    pub(crate) fn new(database: TestDatabase) -> Self {
        let db = database.open();
        Self { database, db, music: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn sqlite() -> Self {
        Self::new(TestDatabase::new(Dialect::Sqlite))
    }

    /// A path in the music folder.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.music.path().join(path)
    }

    /// Adds a tagged file.
    pub(crate) fn add(&self, path: impl AsRef<Path>, seed: u32, song: &Song) -> PathBuf {
        let path = self.path(path);
        wav(&path, seed);
        tag(&path, song);
        path
    }

    /// Adds a file with title, artist and album tags.
    pub(crate) fn song(&self, path: &str, seed: u32, title: &'static str) -> PathBuf {
        self.add(path, seed, &Song { title, artists: vec!["Artist"], album: "Album", ..Song::default() })
    }

    /// Scans the music folder.
    pub(crate) fn scan(&self) -> ScanProgress {
        let progress = self.scan_folders(&[self.music.path().to_owned()]);
        assert!(progress.complete, "{progress:?}");
        progress
    }

    pub(crate) fn scan_folders(&self, music: &[PathBuf]) -> ScanProgress {
        self.scan_scope(&Music { folders: music.to_vec(), ..Music::default() }, &Scope::All)
    }

    /// Scans the music folder and reads every file again.
    pub(crate) fn scan_again(&self) -> ScanProgress {
        self.scan_scope(&self.music(), &Scope::AllAgain)
    }

    /// Scans one folder in the music folder, as a server does when something changed there.
    pub(crate) fn scan_below(&self, folder: &str) -> ScanProgress {
        self.scan_scope(&self.music(), &Scope::Below(vec![self.path(folder)]))
    }

    /// The music folder.
    pub(crate) fn music(&self) -> Music {
        Music { folders: vec![self.music.path().to_owned()], ..Music::default() }
    }

    pub(crate) fn scan_scope(&self, music: &Music, scope: &Scope) -> ScanProgress {
        let board = Board::default();
        run_one(&self.db, music, scope, &board, &AtomicBool::new(false), &|| ());
        board.read()
    }

    /// All files by their path in the music folder; files without a path by their id.
    pub(crate) fn rows(&self) -> BTreeMap<String, Row> {
        type Columns =
            (i64, Option<Vec<u8>>, Vec<u8>, Option<i64>, Option<String>, Option<String>, Option<bool>, Option<String>);
        let rows: Vec<Columns> = self
            .db
            .read_blocking(|connection| {
                use diesel::NullableExpressionMethods as _;
                Ok(files::table
                    .left_join(folders::table.on(folders::id.eq(files::folder_id)))
                    .left_join(tracks::table.on(tracks::id.eq(files::id)))
                    .left_join(albums::table.on(albums::id.nullable().eq(tracks::album_id.nullable())))
                    .select((
                        files::id,
                        folders::path.nullable(),
                        files::name,
                        files::missing_us,
                        files::error,
                        tracks::title.nullable(),
                        tracks::missing.nullable(),
                        albums::title.nullable(),
                    ))
                    .load(connection)?)
            })
            .expect("read");
        let row = |(id, folder, name, missing_us, error, title, missing, album): Columns| {
            let path = folder.map(|folder| PathBuf::from(OsString::from_vec(folder)).join(OsString::from_vec(name)));
            let path = path.map_or_else(
                || format!("{id:x}"),
                |path| path.strip_prefix(self.music.path()).unwrap_or(&path).to_string_lossy().into_owned(),
            );
            if let (Some(track), true) = (missing, error.is_none()) {
                assert_eq!(track, missing_us.is_some(), "file and track agree on {path}");
            }
            (path, Row { id, missing: missing_us.is_some(), error, title, album })
        };
        rows.into_iter().map(row).collect()
    }

    /// Length in milliseconds, codec and channels of a track.
    pub(crate) fn audio(&self, id: i64) -> (i64, String, Option<i64>) {
        let columns = (tracks::duration_ms, tracks::codec, tracks::channels);
        let read = self.db.read_blocking(|connection| {
            Ok(tracks::table.filter(tracks::id.eq(id)).select(columns).first(connection)?)
        });
        read.expect("read")
    }

    /// The id of the file at this path.
    #[track_caller]
    pub(crate) fn id(&self, path: &str) -> i64 {
        let rows = self.rows();
        rows.get(path).unwrap_or_else(|| panic!("{path} is not among {:?}", rows.keys())).id
    }
}

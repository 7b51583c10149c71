//! Reads one file, protected against hostile files: time limit, panics, limits of values.

use super::{
    Reading, Tags, Unreadable,
    bytes::{FileBytes, Window},
    collect::collect,
    fields::{Field, TagFields},
    outer::Outer,
    parse::{parse, unrecognised},
    patient::Patient,
    reason::{Seen, because},
    text, values,
};
use crate::values::audio::Gain;
use lofty::{
    config::{ParseOptions, ParsingMode},
    file::FileType,
    probe::Probe,
};
use std::{
    io::{BufReader, Read, Seek},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

/// How many bytes of a file named like MPEG audio are searched for the first frame: editors write zeros after tags.
const MAX_JUNK_BYTES: usize = 64 * 1024;
/// How many bytes at the start of the audio tell formats that are not read.
const MARK_BYTES: usize = 16;

/// Reads tags and audio properties of `file`. The format is detected from the content; `path` decides only when the
/// content is ambiguous.
///
/// Blocks. After `limit` a parser that still reads gets an error. A parser that loops without reading does not return:
/// the caller has to abandon its thread.
///
/// # Errors
/// `Unreadable` with the reason, also when the parser panics.
pub fn read(path: &Path, file: impl Read + Seek, limit: Duration) -> Result<Reading, Unreadable> {
    catch_unwind(AssertUnwindSafe(|| read_unguarded(path, file, limit)))
        .unwrap_or_else(|_| Err(Unreadable("the tag parser panicked".to_owned())))
}

fn read_unguarded(path: &Path, file: impl Read + Seek, limit: Duration) -> Result<Reading, Unreadable> {
    let mut reader = Patient::new(BufReader::with_capacity(16 * 1024, file), limit);
    let by_name = FileType::from_path(path);
    // The two bytes of a frame sync occur by chance in any long file, so files with other names are not searched.
    let frames = matches!(by_name, Some(FileType::Mpeg | FileType::Aac));
    let options = ParseOptions::new().parsing_mode(ParsingMode::BestAttempt).max_junk_bytes(if frames {
        MAX_JUNK_BYTES
    } else {
        2
    });
    let (mut fields, audio, start) = {
        let mut bytes = FileBytes::new(&mut reader).map_err(|error| because(&error))?;
        if bytes.len() == 0 {
            return Err(Unreadable("the file is empty".to_owned()));
        }
        let mut outer = Outer::before(&mut bytes, frames).map_err(|error| because(&error))?;
        let fields = collect(&mut bytes, &mut outer).map_err(|error| because(&error))?;
        let start = bytes.get(outer.audio.start, MARK_BYTES).map_err(|error| because(&error))?;
        (fields, outer.audio, start)
    };
    let length = audio.end.saturating_sub(audio.start);
    let mut reader = Window::new(reader, audio).map_err(|error| because(&error))?;
    let unrecognised = unrecognised(&mut reader).map_err(|error| because(&error))?;
    let guessed = Probe::new(&mut reader).options(options).guess_file_type().map_err(|error| because(&error))?;
    let known = unrecognised.or(guessed.file_type());
    let is_mpeg = known.or(by_name) == Some(FileType::Mpeg);
    let seen = Seen { path, start: &start, length, is_known: known.is_some(), is_mpeg };
    let file_type = known.or(by_name).ok_or_else(|| seen.is_foreign())?;
    reader.rewind().map_err(|error| because(&error))?;
    let audio = parse(file_type, &mut reader, options).map_err(|error| seen.failed(&error))?;
    if audio.duration_ms == 0 && audio.sample_rate_hz.is_none() {
        return Err(Unreadable("no audio was found in the file".to_owned()));
    }
    note_values(&mut fields);
    let losses = fields.losses();
    Ok(Reading { tags: tags(fields), audio, losses })
}

/// Notes values that are not what their field is for.
fn note_values(fields: &mut TagFields) {
    let is_blank = |text: &&str| text.bytes().all(|byte| matches!(byte, b'0' | b'-' | b' ') || byte.is_ascii_control());
    let dates = [(Field::Date, "date"), (Field::ReleaseDate, "release date"), (Field::OriginalDate, "original date")];
    let mut wrong = Vec::new();
    for (field, name) in dates {
        let texts = fields.each(field).filter(|text| !is_blank(text) && values::date(text).is_none());
        wrong.extend(texts.map(|text| format!("{name}: \"{text:.60}\" is no date")));
    }
    let gains = [(Field::TrackGain, "track gain"), (Field::AlbumGain, "album gain")];
    for (field, name) in gains {
        let texts = fields.each(field).filter(|text| !is_blank(text) && values::gain_db(text).is_none());
        wrong.extend(texts.map(|text| format!("{name}: \"{text:.60}\" is no gain")));
    }
    let peaks = [(Field::TrackPeak, "track peak"), (Field::AlbumPeak, "album peak")];
    for (field, name) in peaks {
        let texts = fields.each(field).filter(|text| !is_blank(text) && values::peak(text).is_none());
        wrong.extend(texts.map(|text| format!("{name}: \"{text:.60}\" is no peak")));
    }
    let is_number = |text: &str| {
        let (number, total) = values::number_of_total(text);
        number.or(total).is_some() || values::side_and_track(text).is_some()
    };
    let is_none = |text: &&str| is_blank(text) || text.bytes().all(|byte| matches!(byte, b'0' | b'/' | b' '));
    let numbers = [
        (Field::Track, "track number"),
        (Field::Tracks, "number of tracks"),
        (Field::Disc, "disc number"),
        (Field::Discs, "number of discs"),
    ];
    for (field, name) in numbers {
        let texts = fields.each(field).filter(|text| !is_none(text) && !is_number(text));
        wrong.extend(texts.map(|text| format!("{name}: \"{text:.60}\" is no number from 1 to 9,999")));
    }
    wrong.extend(cut_values(fields));
    for text in wrong {
        fields.lose_value(&text);
    }
}

/// Values of which a part is not kept.
fn cut_values(fields: &TagFields) -> Vec<String> {
    let texts = [
        (Field::Title, "title"),
        (Field::Artist, "artist"),
        (Field::Artists, "artist"),
        (Field::Album, "album"),
        (Field::AlbumArtist, "album artist"),
        (Field::AlbumArtists, "album artist"),
        (Field::Composer, "composer"),
        (Field::Genre, "genre"),
    ];
    let long = texts.iter().filter(|(field, _)| fields.each(*field).any(text::is_cut));
    let mut cut: Vec<String> =
        long.map(|(_, name)| format!("{name}: longer than 1,000 characters; the rest is not kept")).collect();
    let many = |field: Field, name: &str| {
        let reason = format!("{name}: more than 32; the rest is not kept");
        fields.all(&[field], |texts| if text::are_too_many(&texts) { vec![reason.clone()] } else { Vec::new() })
    };
    cut.extend(texts.iter().flat_map(|(field, name)| many(*field, name)));
    cut
}

fn tags(fields: TagFields) -> Tags {
    let (track, tracks) = number(&fields, Field::Track, Field::Tracks);
    let (disc, discs) = number(&fields, Field::Disc, Field::Discs);
    let with_side = fields.first(Field::Track, values::side_and_track);
    let (side, track) = with_side.map_or((None, track), |(side, track)| (Some(side), Some(track)));
    let all = |names: &[Field]| fields.all(names, |texts| text::clean_all(texts.into_iter()));
    let title = fields.first(Field::Title, text::clean);
    Tags {
        other_titles: all(&[Field::Title]).into_iter().filter(|other| Some(other) != title.as_ref()).collect(),
        title,
        title_sort: fields.first(Field::TitleSort, text::clean),
        artists: all(&[Field::Artists, Field::Artist]),
        artist_sorts: all(&[Field::ArtistSort]),
        album: fields.first(Field::Album, text::clean),
        album_sort: fields.first(Field::AlbumSort, text::clean),
        album_artists: all(&[Field::AlbumArtists, Field::AlbumArtist]),
        album_artist_sorts: all(&[Field::AlbumArtistSort]),
        composers: all(&[Field::Composer]),
        // Sides that letters name count over all discs: the number of the disc would put B1 beside A1.
        disc: if side.is_some_and(|side| side.is_letter) { None } else { disc }.or(side.map(|side| side.number)),
        discs,
        track,
        tracks,
        date: [Field::Date, Field::ReleaseDate, Field::OriginalDate]
            .into_iter()
            .find_map(|field| fields.first(field, values::date)),
        original_date: fields.first(Field::OriginalDate, values::date),
        genres: all(&[Field::Genre]),
        compilation: fields.first(Field::Compilation, |flag| Some(values::flag(flag))).unwrap_or(false),
        explicit: fields.first(Field::Explicit, |flag| Some(values::explicit(flag))).unwrap_or(false),
        release: fields.first(Field::Release, text::clean).map(|id| id.to_lowercase()),
        gain: gain(&fields),
        picture: fields.into_picture(),
    }
}

fn number(fields: &TagFields, number: Field, total: Field) -> (Option<u32>, Option<u32>) {
    let read = fields.first(number, |text| match values::number_of_total(text) {
        (None, None) => None,
        found => Some(found),
    });
    let (number, total_beside) = read.unwrap_or_default();
    (number, fields.first(total, |text| values::number_of_total(text).0).or(total_beside))
}

fn gain(fields: &TagFields) -> Gain {
    let gain = |field, r128| fields.first(field, values::gain_db).or_else(|| fields.first(r128, values::r128_gain_db));
    Gain {
        track_db: gain(Field::TrackGain, Field::TrackR128),
        track_peak: fields.first(Field::TrackPeak, values::peak),
        album_db: gain(Field::AlbumGain, Field::AlbumR128),
        album_peak: fields.first(Field::AlbumPeak, values::peak),
    }
}

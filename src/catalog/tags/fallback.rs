//! Values from the path of a file, for those that its tags lack: `Artist/Album/CD1/03 - Title.flac`.

use super::{Tags, text};
use crate::values::disc;
use std::path::Path;

/// The artist of files whose tags and path have none.
pub(super) const UNKNOWN_ARTIST: &str = "Unknown Artist";
/// The album of files whose tags and path have none.
pub(super) const UNKNOWN_ALBUM: &str = "Unknown Album";

/// The values that the catalogue shows, completed from the path.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Title; never empty.
    pub title: String,
    /// Artists; at least one.
    pub artists: Vec<String>,
    /// Album title; never empty.
    pub album: String,
    /// Disc number, from 1.
    pub disc: u32,
    /// Whether tags or path have a disc number.
    pub disc_known: bool,
    /// Track number, if tags or file name have one.
    pub track: Option<u32>,
}

/// Completes the values that `tags` lack from `path`, which is relative to the music folder.
#[must_use]
pub fn name(tags: &Tags, path: &Path) -> Named {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let file = FileName::parse(&stem);
    let mut folders: Vec<String> = path
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .filter_map(|folder| text::clean(&folder.as_os_str().to_string_lossy()))
        .collect();
    let tagged = tags.album.as_deref().map(|title| disc::of_title(title).map_or((title, None), split));
    let last = folders.last().and_then(|folder| {
        let found = disc::of_album_folder(folder, tags.album.as_deref())?;
        Some((found.title.map(str::to_owned), found.number))
    });
    let album_folder = match &last {
        Some((title, _)) => {
            folders.pop();
            title.clone().or_else(|| folders.pop())
        }
        None => folders.pop(),
    };
    let artist_folder = folders.pop();

    let split = file.title.split_once(" - ").filter(|_| tags.title.is_none() && artist_folder.is_none());
    let (artist_in_name, title_in_name) = match split {
        Some((artist, title)) if tags.artists.is_empty() => (text::clean(artist), text::clean(title)),
        _ => (None, None),
    };
    let artists = if tags.artists.is_empty() {
        let from_path = artist_in_name.or(artist_folder).unwrap_or_else(|| UNKNOWN_ARTIST.to_owned());
        if tags.album_artists.is_empty() { vec![from_path] } else { tags.album_artists.clone() }
    } else {
        tags.artists.clone()
    };
    let disc = tags.disc.or(tagged.and_then(|(_, disc)| disc)).or(file.disc).or(last.map(|(_, disc)| disc));
    Named {
        title: tags.title.clone().or(title_in_name).unwrap_or(file.title),
        artists,
        album: tagged.map(|(title, _)| title.to_owned()).or(album_folder).unwrap_or_else(|| UNKNOWN_ALBUM.to_owned()),
        disc: disc.unwrap_or(1),
        disc_known: disc.is_some(),
        track: tags.track.or(file.track),
    }
}

/// Title and number of a disc.
fn split(found: disc::DiscName<'_>) -> (&str, Option<u32>) {
    (found.title.unwrap_or_default(), Some(found.number))
}

/// The parts of a file name.
struct FileName {
    disc: Option<u32>,
    track: Option<u32>,
    title: String,
}

impl FileName {
    /// Parses `03 - Title`, `1-03 Title`, `03. Title`, `03_Title`, `B2 - Title` (a side of a record) or `Title`.
    fn parse(stem: &str) -> Self {
        let spaced = if stem.contains(' ') { stem.to_owned() } else { stem.replace('_', " ") };
        let whole = text::clean(&spaced).unwrap_or_else(|| "Untitled".to_owned());
        if let Some((side, track, title)) = side_of(&whole) {
            return Self { disc: Some(side), track: Some(track), title };
        }
        let Some((first, rest)) = leading_number(&whole) else { return Self { disc: None, track: None, title: whole } };
        let disc_and_track = rest.strip_prefix(['-', '.']).and_then(leading_number).filter(|_| first < 20);
        let (disc, track, rest) = match disc_and_track {
            Some((track, rest)) if rest.starts_with([' ', '-', '.']) => (Some(first), track, rest),
            _ => (None, first, rest),
        };
        let title = rest.trim_start_matches([' ', '-', '.', ')', '_']);
        let separated = title.len() < rest.len();
        match text::clean(title) {
            Some(title) if separated => Self { disc, track: Some(track), title },
            _ => Self { disc: None, track: None, title: whole },
        }
    }
}

/// Side, track and title of `B2 - Title` or `B2. Title`. `U2 Live` has none: a blank alone is no separator.
fn side_of(name: &str) -> Option<(u32, u32, String)> {
    let (before, title) = name.split_once(" - ").or_else(|| name.split_once(". "))?;
    let (side, track) = super::values::side_and_track(before).filter(|(side, _)| side.is_letter && before.len() > 1)?;
    Some((side.number, track, text::clean(title)?))
}

/// A number of one to three digits at the start, not zero, and the text after it.
fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text.get(..end).filter(|digits| digits.len() <= 3)?.parse().ok().filter(|number| *number > 0)?;
    Some((number, text.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(paths: &[&str], expected: &Expect) {
        let lines: Vec<String> = paths
            .iter()
            .map(|path| {
                let Named { title, artists, album, disc, track, .. } = name(&Tags::default(), Path::new(path));
                format!("{path}: {artists:?} {album:?} {disc}/{track:?} {title:?}\n")
            })
            .collect();
        expected.assert_eq(&lines.concat());
    }

    #[test]
    fn missing_values_come_from_the_path() {
        check(
            &[
                "Björk/Homogenic/03 - Unravel.flac",
                "Björk/Homogenic/CD2/03. Unravel.flac",
                "Björk/Homogenic/2-03 Unravel.flac",
                "Various/99 Luftballons.mp3",
                "Nena - 99 Luftballons.mp3",
                "menu.opus",
                "1979.ogg",
                "7.ogg",
                "07 .ogg",
                "music/main_theme.ogg",
                "a/b/c/Disc 1 - Live/101 Song.mp3",
                "a/cd/1999/1-2-3.mp3",
                "a/The Wall [CD2]/1.mp3",
                "a/The Wall/Disc Two/B2 - Song.mp3",
                "U2 Live.mp3",
            ],
            &expect![[r#"
                Björk/Homogenic/03 - Unravel.flac: ["Björk"] "Homogenic" 1/Some(3) "Unravel"
                Björk/Homogenic/CD2/03. Unravel.flac: ["Björk"] "Homogenic" 2/Some(3) "Unravel"
                Björk/Homogenic/2-03 Unravel.flac: ["Björk"] "Homogenic" 2/Some(3) "Unravel"
                Various/99 Luftballons.mp3: ["Unknown Artist"] "Various" 1/Some(99) "Luftballons"
                Nena - 99 Luftballons.mp3: ["Nena"] "Unknown Album" 1/None "99 Luftballons"
                menu.opus: ["Unknown Artist"] "Unknown Album" 1/None "menu"
                1979.ogg: ["Unknown Artist"] "Unknown Album" 1/None "1979"
                7.ogg: ["Unknown Artist"] "Unknown Album" 1/None "7"
                07 .ogg: ["Unknown Artist"] "Unknown Album" 1/None "07"
                music/main_theme.ogg: ["Unknown Artist"] "music" 1/None "main theme"
                a/b/c/Disc 1 - Live/101 Song.mp3: ["b"] "c" 1/Some(101) "Song"
                a/cd/1999/1-2-3.mp3: ["cd"] "1999" 1/Some(2) "3"
                a/The Wall [CD2]/1.mp3: ["a"] "The Wall" 2/None "1"
                a/The Wall/Disc Two/B2 - Song.mp3: ["a"] "The Wall" 2/Some(2) "Song"
                U2 Live.mp3: ["Unknown Artist"] "Unknown Album" 1/None "U2 Live"
            "#]],
        );
    }

    #[test]
    fn an_album_that_is_called_like_a_disc_is_no_disc() {
        let disc = |folder: &str, title: &str| {
            let named = name(&Tags { album: Some(title.into()), ..Tags::default() }, &Path::new(folder).join("1.mp3"));
            (named.album, named.disc)
        };
        for (folder, title) in [
            ("Ratatat - LP3", "LP3"),
            ("2010 - LP4", "LP4"),
            ("2003 - Disco 3", "Disco 3"),
            ("Italo Disco 3", "Italo Disco 3"),
            ("Adrian Belew - Side Two", "Side Two"),
        ] {
            assert_eq!(disc(folder, title), (title.to_owned(), 1), "{folder}");
        }
        assert_eq!(disc("Wx (Disc 2 of 2)", "Wx"), ("Wx".to_owned(), 2));
        assert_eq!(disc("Wi/[CD 2]", "Wi"), ("Wi".to_owned(), 2));
    }

    #[test]
    fn tags_are_preferred_to_the_path() {
        let tags = Tags {
            title: Some("T".into()),
            artists: vec!["A".into(), "B".into()],
            album: Some("L".into()),
            disc: Some(4),
            track: Some(5),
            ..Tags::default()
        };
        let named = name(&tags, Path::new("x/y/CD1/01 - z.mp3"));
        let expected = Named {
            title: "T".into(),
            artists: vec!["A".into(), "B".into()],
            album: "L".into(),
            disc: 4,
            disc_known: true,
            track: Some(5),
        };
        assert_eq!(named, expected);
    }
}

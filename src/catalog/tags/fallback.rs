//! Values from the path of a file, for those that its tags lack: `Artist/Album/CD1/03 - Title.flac`.

use super::{Tags, text};
use crate::values::path::disc_of_folder;
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
    let disc_folder = folders.pop_if(|folder| disc_of_folder(folder).is_some());
    let album_folder = folders.pop();
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
    Named {
        title: tags.title.clone().or(title_in_name).unwrap_or(file.title),
        artists,
        album: tags.album.clone().or(album_folder).unwrap_or_else(|| UNKNOWN_ALBUM.to_owned()),
        disc: tags.disc.or(file.disc).or_else(|| disc_of_folder(&disc_folder?)).unwrap_or(1),
        track: tags.track.or(file.track),
    }
}

/// The parts of a file name.
struct FileName {
    disc: Option<u32>,
    track: Option<u32>,
    title: String,
}

impl FileName {
    /// Parses `03 - Title`, `1-03 Title`, `03. Title`, `03_Title` or `Title`.
    fn parse(stem: &str) -> Self {
        let spaced = if stem.contains(' ') { stem.to_owned() } else { stem.replace('_', " ") };
        let whole = text::clean(&spaced).unwrap_or_else(|| "Untitled".to_owned());
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
                let Named { title, artists, album, disc, track } = name(&Tags::default(), Path::new(path));
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
            "#]],
        );
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
            track: Some(5),
        };
        assert_eq!(named, expected);
    }
}

//! From the tags of a file to the values that the catalogue stores.

use super::{
    cover::cover_of,
    tags::{self, Reading},
};
use crate::{
    db::scan::{AlbumOf, Content},
    values::{
        path::{disc_of_folder, folder_id},
        spelling::{identity, short_hash},
    },
};
use std::path::Path;

/// The values that the catalogue stores for the file at `path`, which is in the music folder `root`. `salt` is the
/// secret for ids of covers, see [`super::cover::cover_id`].
#[must_use]
pub fn of(reading: Reading, path: &Path, root: &Path, salt: i64) -> Content {
    let Reading { tags, audio } = reading;
    let named = tags::name(&tags, path.strip_prefix(root).unwrap_or(path));
    let tag_key = match (&tags.title, tags.artists.is_empty()) {
        (Some(title), false) => Some(tag_key(&tags.artists, &named.album, title)),
        _ => None,
    };
    Content {
        album: album_of(&named.album, &tags, path),
        title: named.title,
        other_titles: tags.other_titles,
        artists: named.artists,
        genres: tags.genres,
        disc: i64::from(named.disc),
        number: named.track.map(i64::from),
        date: tags.date,
        audio,
        gain: tags.gain,
        cover: tags.picture.and_then(|picture| cover_of(salt, &picture)),
        tag_key,
    }
}

/// The key by which a new encoding of the same recording is recognised: a hash of its artists, album and title.
fn tag_key(artists: &[String], album: &str, title: &str) -> i64 {
    let artists: Vec<String> = artists.iter().map(|artist| identity(artist)).collect();
    short_hash(&[artists.join("\t"), identity(album), identity(title)])
}

/// The album of a file. Files with the same tagged album artists and title are one album in whatever folders they are.
/// Without album artists, as in many compilations, an album is one folder; folders of discs count as the folder above.
fn album_of(title: &str, tags: &tags::Tags, path: &Path) -> AlbumOf {
    let artists = tags.album_artists.clone();
    let folder = path.parent().unwrap_or(path);
    let is_disc = folder.file_name().is_some_and(|name| disc_of_folder(&name.to_string_lossy()).is_some());
    let folder = folder.parent().filter(|_| is_disc).unwrap_or(folder);
    let place = if artists.is_empty() {
        format!("folder\t{:016x}", folder_id(folder))
    } else {
        let artists: Vec<String> = artists.iter().map(|artist| identity(artist)).collect();
        format!("artist\t{}", artists.join("\t"))
    };
    AlbumOf {
        identity: format!("{place}\n{}", identity(title)),
        title: title.to_owned(),
        artists,
        compilation: tags.compilation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::tags::Tags, values::audio::AudioProperties};

    fn album(path: &str, tags: Tags) -> AlbumOf {
        let reading = Reading { tags, audio: AudioProperties::default() };
        of(reading, Path::new(path), Path::new("/music"), 0).album
    }

    #[test]
    fn a_tagged_album_is_one_in_any_folders() {
        let tags =
            |artist: &str| Tags { album: Some("Live".into()), album_artists: vec![artist.into()], ..Tags::default() };
        assert_eq!(album("/music/a/1.mp3", tags("X")).identity, album("/music/b/2.mp3", tags("x ")).identity);
        assert_ne!(album("/music/a/1.mp3", tags("X")).identity, album("/music/a/2.mp3", tags("Y")).identity);
    }

    #[test]
    fn an_untagged_album_is_its_folder_with_all_discs() {
        let first = album("/music/A/Album/CD1/1.mp3", Tags::default());
        assert_eq!(first, album("/music/A/Album/CD2/1.mp3", Tags::default()));
        assert_eq!((first.title.as_str(), first.artists.len()), ("Album", 0));
        assert_ne!(first.identity, album("/music/B/Album/1.mp3", Tags::default()).identity);
    }

    #[test]
    fn a_compilation_has_no_album_artist() {
        let tags = Tags { album: Some("Hits".into()), artists: vec!["X".into()], compilation: true, ..Tags::default() };
        let album = album("/music/Hits/1.mp3", tags);
        assert!(album.compilation && album.artists.is_empty());
    }
}

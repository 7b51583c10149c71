//! From the tags of a file to the values that the catalogue stores.

use super::{
    cover::cover_of,
    tags::{self, Reading},
};
use crate::{
    db::scan::{AlbumOf, Content, SortNames},
    values::{
        disc::{self, DiscName},
        path::folder_id,
        separators::Splits,
        spelling::{identity, short_hash},
    },
};
use std::path::Path;

/// The values that the catalogue stores for the file at `path`, which is in the music folder `root`. `salt` is the
/// secret for ids of covers, see [`super::cover::cover_id`]; `splits` says how names are split.
#[must_use]
pub fn of(reading: Reading, path: &Path, root: &Path, salt: i64, splits: &Splits) -> Content {
    let Reading { tags, audio, losses } = reading;
    let tags = tags.split(splits);
    let named = tags::name(&tags, path.strip_prefix(root).unwrap_or(path));
    let tag_key = match (&tags.title, tags.artists.is_empty()) {
        (Some(title), false) => Some(tag_key(&tags.artists, &named.album, title)),
        _ => None,
    };
    Content {
        album: album_of(&named.album, &named.artists, &tags, path),
        title: named.title,
        other_titles: tags.other_titles,
        title_sort: tags.title_sort,
        artists: named.artists,
        genres: tags.genres,
        disc: i64::from(named.disc),
        disc_known: named.disc_known,
        number: named.track.map(i64::from),
        date: tags.date,
        original_date: tags.original_date,
        composers: tags.composers,
        explicit: tags.explicit,
        sorts: SortNames {
            artists: tags.artist_sorts,
            album: tags.album_sort.unwrap_or_default(),
            album_artists: tags.album_artist_sorts,
        },
        audio,
        gain: tags.gain,
        cover: tags.picture.and_then(|picture| cover_of(salt, &picture)),
        tag_key,
        losses,
    }
}

/// The key by which a new encoding of the same recording is recognised: a hash of its artists, album and title.
fn tag_key(artists: &[String], album: &str, title: &str) -> i64 {
    let artists: Vec<String> = artists.iter().map(|artist| identity(artist)).collect();
    short_hash(&[artists.join("\t"), identity(album), identity(title)])
}

/// What the file says of its album. Folders of discs count as one: the folder above them, or the one that they name.
fn album_of(title: &str, artists: &[String], tags: &tags::Tags, path: &Path) -> AlbumOf {
    let folder = path.parent().unwrap_or(path);
    let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is = |name: &str, other: &str| identity(name) == identity(other);
    let own = name(folder);
    let place = match (disc::of_album_folder(&own, tags.album.as_deref()), folder.parent()) {
        (Some(DiscName { title: Some(title), .. }), Some(above)) => above.join(title),
        (Some(_), Some(above)) => above.to_owned(),
        _ => folder.to_owned(),
    };
    let home = place.parent().filter(|above| {
        let above = name(above);
        is(&above, title) && !artists.iter().chain(&tags.album_artists).any(|artist| is(artist, &above))
    });
    AlbumOf {
        title: title.to_owned(),
        artists: tags.album_artists.clone(),
        release: tags.release.clone(),
        compilation: tags.compilation,
        place: folder_id(&place),
        home: folder_id(home.unwrap_or(&place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::tags::Tags, values::audio::AudioProperties};

    fn album(path: &str, tags: Tags) -> AlbumOf {
        let reading = Reading { tags, audio: AudioProperties::default(), losses: Vec::new() };
        of(reading, Path::new(path), Path::new("/music"), 0, &Splits::default()).album
    }

    fn titled(title: &str) -> Tags {
        Tags { album: Some(title.into()), artists: vec!["A".into()], ..Tags::default() }
    }

    #[test]
    fn folders_of_discs_are_one_place() {
        for [first, second] in [
            ["A/Album/CD1", "A/Album/CD2"],
            ["A/Album/Disc One", "A/Album/Disc Two"],
            ["A/Album/LP1", "A/Album"],
            ["A/Album CD1", "A/Album CD2"],
            ["A/Album [CD1]", "A/Album (Disc 2)"],
            ["A/Album", "A/Album CD2"],
        ] {
            let of = |folder: &str| album(&format!("/music/{folder}/1.mp3"), titled("Album")).place;
            assert_eq!(of(first), of(second), "{first} and {second}");
        }
        let untagged = album("/music/A/Album/CD1/1.mp3", Tags::default());
        assert_eq!((untagged.title.as_str(), untagged.artists.len()), ("Album", 0));
        assert_eq!(untagged, album("/music/A/Album/CD2/1.mp3", Tags::default()));
        assert_ne!(untagged.place, album("/music/B/Album/1.mp3", Tags::default()).place);
        // An album with the name of a disc.
        assert_ne!(album("/music/A/LP1/1.mp3", titled("LP1")).place, album("/music/A/LP2/1.mp3", titled("LP2")).place);
        let [lp3, lp4] = ["LP3", "LP4"].map(|title| album(&format!("/music/A/A - {title}/1.mp3"), titled(title)).place);
        assert_ne!(lp3, lp4);
    }

    #[test]
    fn the_folder_with_the_name_of_the_album_is_its_home() {
        let of = |folder: &str, title| album(&format!("/music/{folder}/1.mp3"), titled(title));
        assert_eq!(of("X/Album/Red", "Album").home, of("X/Album/Blue", "album").home);
        assert_eq!(of("X/Album/Red", "Album").home, of("X/Album", "Album").place);
        assert_ne!(of("A/Red", "A").home, of("A/Blue", "A").home, "the folder of the artist");
    }

    #[test]
    fn a_title_loses_the_disc_that_it_names() {
        let reading = Reading { tags: titled("Live (Disc 2)"), audio: AudioProperties::default(), losses: Vec::new() };
        let content = of(reading, Path::new("/music/A/Live/1.mp3"), Path::new("/music"), 0, &Splits::default());
        assert_eq!((content.album.title.as_str(), content.disc), ("Live", 2));
    }

    #[test]
    fn a_compilation_has_no_album_artist() {
        let tags = Tags { album: Some("Hits".into()), artists: vec!["X".into()], compilation: true, ..Tags::default() };
        let album = album("/music/Hits/1.mp3", tags);
        assert!(album.compilation && album.artists.is_empty());
    }
}

//! Splits texts of several names.

use super::{Tags, text};
use crate::values::separators::{Separators, Splits};

impl Tags {
    /// The tags with each artist, composer and genre by itself. Artists that the tags name one by one stay as they are.
    /// Sort names are kept where there is one for each artist.
    #[must_use]
    pub fn split(self, splits: &Splits) -> Self {
        let artists = alone(self.artists, &splits.artists);
        let album_artists = alone(self.album_artists, &splits.artists);
        let genres: Vec<String> = self.genres.iter().flat_map(|genre| splits.genres.split(genre)).collect();
        let sorts = |names: Vec<String>, count: usize| {
            let names = if names.len() == count { names } else { alone(names, &splits.artists) };
            if names.len() == count { names } else { Vec::new() }
        };
        Self {
            artist_sorts: sorts(self.artist_sorts, artists.len()),
            album_artist_sorts: sorts(self.album_artist_sorts, album_artists.len()),
            composers: alone(self.composers, &splits.artists),
            genres: text::clean_all(genres.iter().map(String::as_str)),
            artists,
            album_artists,
            ..self
        }
    }
}

fn alone(names: Vec<String>, separators: &Separators) -> Vec<String> {
    match names.as_slice() {
        [name] => text::clean_all(separators.split(name).iter().map(String::as_str)),
        _ => names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn single_texts_are_split_and_lists_stay() {
        let tags = Tags {
            artists: names(&["Bowie feat. Queen"]),
            artist_sorts: names(&["Bowie, David; Queen"]),
            album_artists: names(&["A; B", "C"]),
            album_artist_sorts: names(&["only one"]),
            composers: names(&["X;Y"]),
            genres: names(&["Rock; Pop", "Pop", "R&B"]),
            ..Tags::default()
        };
        let split = tags.split(&Splits::default());
        assert_eq!(split.artists, ["Bowie", "Queen"]);
        assert_eq!(split.artist_sorts, ["Bowie, David", "Queen"]);
        assert_eq!((split.album_artists, split.album_artist_sorts), (names(&["A; B", "C"]), vec![]));
        assert_eq!((split.composers, split.genres), (names(&["X", "Y"]), names(&["Rock", "Pop", "R&B"])));
    }
}

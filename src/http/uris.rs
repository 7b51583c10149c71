//! URIs in requests: `spotify:track:ID`, as clients of the Spotify Web API send them.

use crate::{error::ApiError, values::catalogue_id::CatalogueId};

/// What an URI can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noun {
    Track,
    Album,
    Artist,
    Playlist,
    User,
}

/// The words of URIs that name what Segue has.
const NOUNS: &[(&str, Noun)] = &[
    ("track", Noun::Track),
    ("album", Noun::Album),
    ("artist", Noun::Artist),
    ("playlist", Noun::Playlist),
    ("user", Noun::User),
];

/// The words of URIs of the Spotify Web API that name what Segue has not.
const WITHOUT_NOTION: &[(&str, &str)] = &[
    ("show", "shows"),
    ("episode", "episodes"),
    ("audiobook", "audiobooks"),
    ("chapter", "chapters"),
    ("collection", "collections"),
    ("local", "local files"),
];

impl Noun {
    /// Its word in an URI.
    pub(super) fn word(self) -> &'static str {
        NOUNS.iter().find(|(_, noun)| *noun == self).map_or("", |(word, _)| word)
    }

    /// The URI of this thing.
    pub(super) fn uri(self, id: &str) -> String {
        format!("spotify:{}:{id}", self.word())
    }
}

/// Parses the id of a thing of this kind, alone or as an URI.
///
/// # Errors
/// `invalid` for a text that is neither, and for the URI of another kind; `not_implemented` for an URI of what Segue has not.
pub(super) fn id(text: &str, noun: Noun) -> Result<i64, ApiError> {
    let Some(rest) = rest(text) else { return bare(text) };
    match split(text, rest)? {
        (found, id) if found == noun => Ok(id),
        _ => Err(ApiError::invalid(format!("{text:?} does not name a thing of the kind {}", noun.word()))),
    }
}

/// Parses an URI.
///
/// # Errors
/// As [`id`]; an id alone is no URI.
pub(super) fn parse(text: &str) -> Result<(Noun, i64), ApiError> {
    let rest =
        rest(text).ok_or_else(|| ApiError::invalid(format!("{text:?} is not an URI such as spotify:track:ID")))?;
    split(text, rest)
}

/// What follows the scheme.
fn rest(text: &str) -> Option<&str> {
    text.strip_prefix("spotify:")
}

fn split(text: &str, rest: &str) -> Result<(Noun, i64), ApiError> {
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let (word, of) = match parts[..] {
        [word, of] => (word, of),
        // An older form.
        ["user", _, "playlist", of] => ("playlist", of),
        [word, ..] => (word, ""),
        [] => ("", ""),
    };
    if let Some((_, notion)) = WITHOUT_NOTION.iter().find(|(known, _)| *known == word) {
        return Err(ApiError::without_notion(notion));
    }
    let found = NOUNS.iter().find(|(known, _)| *known == word).map(|(_, noun)| *noun);
    let noun = found.ok_or_else(|| ApiError::invalid(format!("{text:?} is not an URI such as spotify:track:ID")))?;
    Ok((noun, bare(of)?))
}

fn bare(id: &str) -> Result<i64, ApiError> {
    let read = id.parse().map(|CatalogueId(id)| id);
    read.map_err(|_| ApiError::invalid(format!("{id:?} is not an id: an id is 16 hex digits")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const ID: &str = "00000000000000ab";

    #[test]
    fn an_id_may_stand_alone_or_in_an_uri_of_its_kind() {
        for text in [ID.to_owned(), format!("spotify:track:{ID}")] {
            assert_eq!(id(&text, Noun::Track), Ok(0xab), "{text}");
        }
        assert_eq!(id(&format!("spotify:user:ann:playlist:{ID}"), Noun::Playlist), Ok(0xab));
        assert_eq!(id(&Noun::Album.uri(ID), Noun::Album), Ok(0xab));
    }

    #[test]
    fn other_texts_are_refused() {
        let kind = |text: &str| id(text, Noun::Track).map_err(|error| error.kind);
        for text in ["", "ab", "spotify:", "spotify:track:", "spotify:track:4iV5W9uYEdYUVa79Axb7Rh", "file:track:x"] {
            assert_eq!(kind(text), Err(Kind::Invalid), "{text}");
        }
        for rest in ["spotify:album:", "spotify:thing:", "spotify:track:1:", "segue:track:"] {
            let text = format!("{rest}{ID}");
            assert_eq!(kind(&text), Err(Kind::Invalid), "{text}");
        }
        for word in ["show", "episode", "audiobook", "chapter", "local", "collection"] {
            assert_eq!(kind(&format!("spotify:{word}:{ID}")), Err(Kind::NotImplemented), "{word}");
        }
        assert_eq!(parse(ID).map_err(|error| error.kind), Err(Kind::Invalid), "an id alone does not say of what");
    }
}

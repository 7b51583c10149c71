//! The fields of the tantivy index, and how a document is converted to them.

use super::{
    tokens::{Splitter, WORDS_TOKENIZER, prefixes_tokenizer},
    words::{NameKeys, name_keys, name_words},
};
use crate::values::document::{Document, ItemKind, POPULARITY_MAX};
use tantivy::{
    Index, TantivyDocument, Term,
    schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
};

/// Must be increased with every change of the fields, of the tokenizer, or of the meaning of either. An index of
/// another version is rebuilt.
pub(super) const VERSION: u32 = 1;
/// Prefixes of up to this many characters are terms; longer ones are ranges of the dictionary of whole words.
pub(super) const PREFIX_CHARS_MAX: usize = 8;
/// The first character of the prefixes of the squashed whole name, which distinguishes them from prefixes of words.
const START_MARK: char = '\u{2}';
/// The most words of a document's other names.
const OTHER_WORDS_MAX: usize = 256;
/// The first character of whole-name keys, which share a field: one for each degree of exactness.
const LITERAL: char = '=';
const FOLDED: char = '~';
const LOOSE: char = '-';

/// Handles of the fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexFields {
    /// Kind and id, by which documents are replaced and removed.
    pub key: Field,
    /// Words of the name.
    pub name: Field,
    /// Words of the name and of all other texts.
    pub any: Field,
    /// Prefixes of the words of the name, and of the squashed name, which begin with [`START_MARK`].
    pub name_prefix: Field,
    /// Prefixes of the words of `any`.
    pub any_prefix: Field,
    /// The whole name, once for each degree of exactness.
    pub whole: Field,
    /// A [`Rank`], packed.
    rank: Field,
    id: Field,
    owner: Field,
}

/// Names of the fast fields.
pub(super) const RANK: &str = "rank";
/// See [`RANK`].
pub(super) const ID: &str = "id";
/// See [`RANK`]. The user who may find a private document, 0 otherwise.
pub(super) const OWNER: &str = "owner";

impl IndexFields {
    /// The schema and its fields.
    #[must_use]
    pub(super) fn new() -> (Schema, Self) {
        let mut builder = Schema::builder();
        let text = |tokenizer: &str| {
            let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_fieldnorms(false);
            TextOptions::default().set_indexing_options(indexing.set_index_option(IndexRecordOption::Basic))
        };
        let prefixes = prefixes_tokenizer(PREFIX_CHARS_MAX);
        let fields = Self {
            key: builder.add_text_field("key", text("raw")),
            name: builder.add_text_field("name", text(WORDS_TOKENIZER)),
            any: builder.add_text_field("any", text(WORDS_TOKENIZER)),
            name_prefix: builder.add_text_field("name_prefix", text(&prefixes)),
            any_prefix: builder.add_text_field("any_prefix", text(&prefixes)),
            whole: builder.add_text_field("whole", text("raw")),
            rank: builder.add_u64_field(RANK, FAST),
            id: builder.add_u64_field(ID, FAST),
            owner: builder.add_u64_field(OWNER, FAST),
        };
        (builder.build(), fields)
    }

    /// Registers the tokenizers; must be called for each index that is opened.
    pub(super) fn register(index: &Index) {
        index.tokenizers().register(WORDS_TOKENIZER, Splitter::words());
        index.tokenizers().register(&prefixes_tokenizer(PREFIX_CHARS_MAX), Splitter::prefixes(PREFIX_CHARS_MAX));
    }

    /// The term of [`IndexFields::key`] for one document.
    #[must_use]
    pub(super) fn key_term(&self, kind: ItemKind, id: u64) -> Term {
        Term::from_field_text(self.key, &key_text(kind, id))
    }

    /// The document in tantivy's format.
    #[must_use]
    pub(super) fn document(&self, document: &Document) -> TantivyDocument {
        let name = name_words(&document.name);
        let keys = name_keys(&document.name);
        let mut any = name.join(" ");
        for word in document.others.iter().flat_map(|text| name_words(text)).take(OTHER_WORDS_MAX) {
            any.push(' ');
            any.push_str(&word);
        }
        let mut starts = name.join(" ");
        for squashed in &keys.loose {
            starts.extend([' ', START_MARK]);
            starts.push_str(squashed);
        }
        let mut filled = TantivyDocument::new();
        filled.add_text(self.key, key_text(document.kind, document.id));
        filled.add_text(self.name, name.join(" "));
        filled.add_text(self.name_prefix, starts);
        filled.add_text(self.any, &any);
        filled.add_text(self.any_prefix, any);
        for (_, text) in whole_terms(&keys) {
            filled.add_text(self.whole, text);
        }
        filled.add_u64(self.rank, u64::from(Rank::of(document).packed()));
        filled.add_u64(self.id, document.id);
        filled.add_u64(self.owner, document.private_to.map_or(0, |user| user.0));
        filled
    }
}

fn key_text(kind: ItemKind, id: u64) -> String {
    format!("{kind}{id:016x}")
}

/// How exactly a query equals a whole name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exactness {
    /// The same folded letters; spaces and signs are ignored.
    Loose,
    /// The same after folding.
    Folded,
    /// The same except for case.
    Literal,
}

/// The terms of [`IndexFields::whole`] for these keys.
#[must_use]
pub(super) fn whole_terms(keys: &NameKeys) -> Vec<(Exactness, String)> {
    let fitting = |mark: char, text: &str| format!("{mark}{}", text.chars().take(200).collect::<String>());
    let loose = keys.loose.iter().map(|text| (Exactness::Loose, fitting(LOOSE, text)));
    let folded = std::iter::once((Exactness::Folded, fitting(FOLDED, &keys.folded)));
    let literal = std::iter::once((Exactness::Literal, fitting(LITERAL, &keys.literal)));
    literal.chain(folded).chain(loose).collect()
}

/// The term of [`IndexFields::name_prefix`] for names that begin with this squashed text; only its first letters are
/// compared when it is long.
#[must_use]
pub(super) fn start_term(squashed: &str) -> String {
    let mut term = String::from(START_MARK);
    term.extend(squashed.chars().take(PREFIX_CHARS_MAX.saturating_sub(1)));
    term
}

/// The properties of a document that ranking needs, packed into 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rank {
    /// Its kind.
    pub kind: ItemKind,
    /// Whether only its owner may find it.
    pub private: bool,
    /// 0 to [`POPULARITY_MAX`].
    pub popularity: u8,
    /// Characters of the name, at most 63.
    pub name_chars: u8,
}

impl Rank {
    fn of(document: &Document) -> Self {
        let chars = document.name.chars().take(63).count();
        Self {
            kind: document.kind,
            private: document.private_to.is_some(),
            popularity: document.popularity.min(POPULARITY_MAX),
            name_chars: u8::try_from(chars).unwrap_or(63),
        }
    }

    fn packed(self) -> u16 {
        u16::from(self.kind.number()) << 14
            | u16::from(self.private) << 13
            | u16::from(self.popularity) << 6
            | u16::from(self.name_chars)
    }

    /// The inverse of [`Rank::packed`].
    #[must_use]
    pub(super) fn unpack(packed: u16) -> Self {
        let [high, low] = packed.to_be_bytes();
        let [_, popularity] = (packed >> 6 & 0x7f).to_be_bytes();
        let kind = ItemKind::from_number(high >> 6).unwrap_or(ItemKind::Playlist);
        Self { kind, private: high & 0x20 != 0, popularity, name_chars: low & 0x3f }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_fits_16_bits() {
        for kind in ItemKind::ALL {
            for (private, popularity, name_chars) in [(false, 0, 0), (true, 100, 63), (true, 1, 1)] {
                let rank = Rank { kind, private, popularity, name_chars };
                assert_eq!(Rank::unpack(rank.packed()), rank);
            }
        }
    }
}

//! The two tantivy tokenizers: for words separated by spaces, and for the prefixes of such words.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The name of the tokenizer that only splits at spaces.
pub(super) const WORDS_TOKENIZER: &str = "segue_words";

/// The name of the tokenizer that yields all prefixes of each word up to this many characters.
#[must_use]
pub(super) fn prefixes_tokenizer(chars_max: usize) -> String {
    format!("segue_prefixes_{chars_max}")
}

/// Splits at single spaces; yields the words, or their prefixes of one character up to a limit.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    prefix_chars_max: Option<usize>,
}

impl Splitter {
    /// Yields the words.
    #[must_use]
    pub(super) fn words() -> Self {
        Self { prefix_chars_max: None }
    }

    /// Yields the prefixes of 1 to `chars_max` characters; the last prefix of a shorter word is the word itself.
    #[must_use]
    pub(super) fn prefixes(chars_max: usize) -> Self {
        Self { prefix_chars_max: Some(chars_max) }
    }
}

impl Tokenizer for Splitter {
    type TokenStream<'a> = Pieces<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Pieces<'a> {
        Pieces {
            words: text.split(' '),
            word: "",
            given: 0,
            left: 0,
            limit: self.prefix_chars_max,
            token: Token::default(),
        }
    }
}

/// The stream of a [`Splitter`].
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    words: std::str::Split<'a, char>,
    word: &'a str,
    /// The length in bytes of the last token of `word`.
    given: usize,
    /// The number of prefixes of `word` that have not been yielded yet.
    left: usize,
    limit: Option<usize>,
    token: Token,
}

impl TokenStream for Pieces<'_> {
    fn advance(&mut self) -> bool {
        while self.left == 0 || self.given == self.word.len() {
            let Some(word) = self.words.next() else { return false };
            self.word = word;
            self.given = 0;
            self.left = self.limit.unwrap_or(1);
        }
        self.left = self.left.saturating_sub(1);
        let ahead = self.word.get(self.given..).unwrap_or_default();
        let step = match self.limit {
            None => ahead.len(),
            Some(_) => ahead.chars().next().map_or(0, char::len_utf8),
        };
        let piece = ahead.get(..step).unwrap_or_default();
        if self.given == 0 {
            self.token.text.clear();
        }
        self.token.text.push_str(piece);
        self.given = self.given.saturating_add(step);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(mut splitter: Splitter, text: &str) -> String {
        let mut stream = splitter.token_stream(text);
        let mut all = Vec::new();
        while stream.advance() {
            all.push(stream.token().text.clone());
        }
        all.join(",")
    }

    #[test]
    fn words_and_their_prefixes() {
        assert_eq!(pieces(Splitter::words(), "one  twø "), "one,twø");
        assert_eq!(pieces(Splitter::prefixes(3), "a twøs  日本"), "a,t,tw,twø,日,日本");
        assert_eq!(pieces(Splitter::prefixes(3), ""), "");
    }
}

//! Names of users: their greatest length, and when two are the same.

use unicode_normalization::UnicodeNormalization as _;

/// The longest user name, in characters.
pub const USER_NAME_CHARS: usize = 64;

/// The key by which names are compared: NFKC without case. It exists for any text, so that a lookup of an invalid name
/// takes the same path as one of an unknown name.
#[must_use]
pub fn name_key(name: &str) -> String {
    let folded: String = name.trim().nfkc().take(USER_NAME_CHARS + 1).flat_map(char::to_lowercase).collect();
    folded.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case() {
        assert_eq!(name_key("JÖRG"), name_key("Jo\u{308}rg"));
        assert_eq!(name_key("Ａｎｎａ"), "anna");
        assert_ne!(name_key("anna"), name_key("anne"));
    }
}

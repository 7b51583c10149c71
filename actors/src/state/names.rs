//! Names by which people tell devices apart.

use crate::protocol::device::NAME_CHARS;

/// The highest number of a device: more than the list takes.
const MOST: usize = 99;

/// The name of a device that calls itself `own` and was listed as `had`: with a number if another one has that name.
/// It keeps a number that it had.
pub(super) fn distinct(own: &str, had: Option<&str>, others: &[&str]) -> String {
    let is_free = |name: &str| !others.contains(&name);
    let numbered = || (2..=MOST).map(|number| numbered(own, number));
    let kept = numbered().find(|name| had == Some(name) && is_free(name));
    let unnumbered = || Some(own.to_owned()).filter(|name| is_free(name));
    kept.or_else(unnumbered).or_else(|| numbered().find(|name| is_free(name))).unwrap_or_else(|| own.to_owned())
}

/// The name with a number after it, cut where it would be too long.
fn numbered(name: &str, number: usize) -> String {
    let number = format!(" ({number})");
    let kept: String = name.chars().take(NAME_CHARS.saturating_sub(number.len())).collect();
    format!("{}{number}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_one_name_are_told_apart_by_numbers_that_they_keep() {
        assert_eq!(distinct("Tab", None, &[]), "Tab");
        assert_eq!(distinct("Tab", None, &["Kitchen"]), "Tab");
        assert_eq!(distinct("Tab", None, &["Tab"]), "Tab (2)");
        assert_eq!(distinct("Tab", None, &["Tab", "Tab (2)", "Tab (4)"]), "Tab (3)");
        assert_eq!(distinct("Tab", None, &["Tab (2)"]), "Tab");
        assert_eq!(distinct("Tab", Some("Tab (3)"), &[]), "Tab (3)");
        assert_eq!(distinct("Tab", Some("Tab (2)"), &["Kitchen"]), "Tab (2)", "the other one has left");
        assert_eq!(distinct("Tab", Some("Tab (2)"), &["Tab", "Tab (2)"]), "Tab (3)", "a person gave the name away");
        assert_eq!(distinct("Tab", Some("Kitchen"), &["Tab"]), "Tab (2)", "it calls itself something else now");
    }

    #[test]
    fn a_name_with_a_number_is_no_longer_than_a_name() {
        let long = "é".repeat(NAME_CHARS);
        let name = distinct(&long, None, &[&long]);
        assert_eq!((name.chars().count(), name.ends_with("é (2)")), (NAME_CHARS, true), "{name}");
    }
}

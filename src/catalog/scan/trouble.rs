//! Errors of files and folders, in words for people.

use std::io;

/// What is wrong, and what can be done where that is known.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{error}: the user that runs Segue must be able to read it"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_read_says_who_must_be_able_to() {
        let refused = in_words(&io::Error::from_raw_os_error(13));
        assert_eq!(refused, "Permission denied (os error 13): the user that runs Segue must be able to read it");
        assert_eq!(in_words(&io::Error::from_raw_os_error(5)), "Input/output error (os error 5)");
    }
}

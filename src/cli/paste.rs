//! Commands that are printed for people: each can be pasted into a shell as it stands.

use crate::config::Settings;
use std::{env, path};

/// This program as a word of a shell. Where it was called by a path, the path is made absolute: what is printed may be
/// pasted into another terminal.
pub(super) fn program() -> String {
    let called = env::args().next().unwrap_or_else(|| "segue".to_owned());
    let absolute = path::absolute(&called).ok().filter(|_| called.contains('/'));
    quoted(&absolute.map_or(called, |path| path.to_string_lossy().into_owned()))
}

/// `text` as one word of a POSIX shell (POSIX.1-2017, "Shell Command Language", 2.2.2).
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The arguments that make another command use the database of these settings, each after a blank.
pub(super) fn database_arguments(settings: &Settings) -> String {
    settings.database_arguments().iter().flat_map(|argument| [" ".to_owned(), quoted(argument)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        for text in ["", "plain/path-1.db", "two words", "it's", "$HOME", "~", "a\"b\\c", "`id`", "line\nbreak", "é*?"]
        {
            let script = format!("printf %s {}", quoted(text));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text, "{script}");
        }
        assert_eq!(quoted("/a/b.db"), "/a/b.db");
    }
}

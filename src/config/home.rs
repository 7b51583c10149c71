//! `~` at the start of a path, which no shell has replaced in a file, in a variable or behind `--music=`.

/// `text` with the home folder in place of `~`, where it begins with `~/` (after `sqlite:`, if it is such an address) or is
/// nothing else. The error completes the sentence "KEY …".
pub(super) fn expand(text: &str, home: Option<&str>) -> Result<String, String> {
    let (scheme, path) = text.strip_prefix("sqlite:").map_or(("", text), |path| ("sqlite:", path));
    let Some(rest) = path.strip_prefix('~') else { return Ok(text.to_owned()) };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(format!("is a path, where ~/ stands for your own home folder and no other: not {text:?}"));
    }
    match home.filter(|home| home.starts_with('/')) {
        Some(home) => Ok(format!("{scheme}{}{rest}", home.trim_end_matches('/'))),
        None => Err(format!("begins with ~, and $HOME names no folder: write {text:?} out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_tilde_is_the_home_folder() {
        let expanded = |text: &str| expand(text, Some("/home/anna/"));
        for (text, expected) in [
            ("~", "/home/anna"),
            ("~/Music", "/home/anna/Music"),
            ("sqlite:~/a.db", "sqlite:/home/anna/a.db"),
            ("/a/~/b", "/a/~/b"),
            ("./~", "./~"),
            ("", ""),
            ("postgres://~/x", "postgres://~/x"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected));
        }
        assert!(expanded("~ben/Music").is_err_and(|told| told.contains("~ben/Music")));
        assert!(expand("~/Music", None).is_err_and(|told| told.contains("$HOME")));
        assert!(expand("~/Music", Some("")).is_err());
    }
}

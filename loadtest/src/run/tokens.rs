//! The file of tokens: one JSON object a line, as `segue user tokens` writes it.

use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Line {
    token: String,
}

/// Reads the tokens of a file.
///
/// # Errors
/// The file cannot be read, or a line of it.
pub fn read(path: &Path) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|(line, why)| format!("{}:{line}: {why}", path.display()))
}

fn parse(text: &str) -> Result<Vec<String>, (usize, String)> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let read = |(line, number): (&str, usize)| {
        let parsed: Result<Line, _> = serde_json::from_str(line);
        parsed.map(|line| line.token).map_err(|error| (number, error.to_string()))
    };
    lines.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_token() {
        let text = "{\"username\":\"load-000001\",\"token\":\"t1\",\"user_id\":\"1\"}\n\n{\"token\":\"t2\"}\n";
        assert_eq!(parse(text), Ok(vec!["t1".to_owned(), "t2".to_owned()]));
        assert_eq!(parse("{\"token\":\"t\"}\nt2\n").map_err(|(line, _)| line), Err(2));
    }
}

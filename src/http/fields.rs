//! `fields` of the Spotify Web API: which parts of an answer are sent. `items(track(name,id)),total` keeps those;
//! `!tracks.items` leaves that out.

use crate::error::ApiError;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::IntoParams;

/// The longest text.
const CHARS: usize = 1_000;
/// The most names within each other.
const DEPTH: usize = 10;

/// The parts of the answer that are asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FieldsQuery {
    /// Names of fields with commas between them: `total,items(track(name,album.name))`, or `!items` for all but that. Without
    /// it the whole answer.
    fields: Option<String>,
}

impl FieldsQuery {
    /// # Errors
    /// `invalid` for a text that cannot be read.
    pub(super) fn read(&self) -> Result<FieldTree, ApiError> {
        let Some(text) = &self.fields else { return Ok(FieldTree::default()) };
        if text.chars().count() > CHARS {
            return Err(ApiError::invalid(format!("fields has at most {CHARS} characters")));
        }
        let mut rest = text.as_str();
        let fields = FieldTree::parse(&mut rest, 0);
        fields.filter(|_| rest.is_empty()).ok_or_else(|| {
            ApiError::invalid("fields cannot be read: write names as in items(track(name,album.name)),total")
        })
    }
}

/// Which fields of an object are sent. The empty one sends all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FieldTree {
    /// When there are any, only these are sent.
    kept: BTreeMap<String, FieldTree>,
    /// Fields that are left out or, where they have parts, whose parts are.
    dropped: BTreeMap<String, FieldTree>,
}

impl FieldTree {
    /// Reads a list up to its end or to a closing bracket, which stays in `rest`.
    fn parse(rest: &mut &str, depth: usize) -> Option<Self> {
        let mut fields = Self::default();
        loop {
            let negated = rest.strip_prefix('!');
            *rest = negated.unwrap_or(rest);
            let (name, inner) = Self::item(rest, depth)?;
            let known = if negated.is_some() { &mut fields.dropped } else { &mut fields.kept };
            known.entry(name).or_default().join(inner);
            match rest.strip_prefix(',') {
                Some(after) => *rest = after,
                None => return Some(fields),
            }
        }
    }

    /// Reads a name and the parts after it.
    fn item(rest: &mut &str, depth: usize) -> Option<(String, Self)> {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).filter(|(name, _)| !name.is_empty() && depth < DEPTH)?;
        *rest = after;
        let inner = if let Some(after) = rest.strip_prefix('(') {
            *rest = after;
            let inner = Self::parse(rest, depth.saturating_add(1))?;
            *rest = rest.strip_prefix(')')?;
            inner
        } else if let Some(after) = rest.strip_prefix('.') {
            *rest = after;
            // `!a.b` is all of `a` but `b`.
            let (name, inner) = Self::item(rest, depth.saturating_add(1))?;
            Self { kept: BTreeMap::from([(name, inner)]), dropped: BTreeMap::new() }
        } else {
            Self::default()
        };
        Some((name.to_owned(), inner))
    }

    fn join(&mut self, other: Self) {
        for (name, inner) in other.kept {
            self.kept.entry(name).or_default().join(inner);
        }
        for (name, inner) in other.dropped {
            self.dropped.entry(name).or_default().join(inner);
        }
    }

    /// Whether the field at this path is sent, or a part of it.
    pub(super) fn want(&self, path: &[&str]) -> bool {
        let [name, more @ ..] = path else { return true };
        if let Some(dropped) = self.dropped.get(*name) {
            return !dropped.drops(more);
        }
        self.kept.is_empty() || self.kept.get(*name).is_some_and(|kept| kept.want(more))
    }

    /// Whether a field of which these parts are dropped is dropped at this path.
    fn drops(&self, path: &[&str]) -> bool {
        match path {
            _ if self.kept.is_empty() => true,
            [] => false,
            [name, more @ ..] => self.kept.get(*name).is_some_and(|inner| inner.drops(more)),
        }
    }

    /// The value without what was not asked for. In lists this holds for each item.
    pub(super) fn of(&self, value: Value) -> Value {
        if self.kept.is_empty() && self.dropped.is_empty() {
            return value;
        }
        self.filtered(value, &mut Vec::new())
    }

    fn filtered(&self, value: Value, path: &mut Vec<String>) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.filtered(item, path)).collect(),
            Value::Object(fields) => {
                let mut sent = serde_json::Map::new();
                for (name, field) in fields {
                    path.push(name.clone());
                    let names: Vec<&str> = path.iter().map(String::as_str).collect();
                    if self.want(&names) {
                        sent.insert(name, self.filtered(field, path));
                    }
                    path.pop();
                }
                Value::Object(sent)
            }
            plain => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(fields: &str) -> Result<FieldTree, ApiError> {
        FieldsQuery { fields: Some(fields.to_owned()) }.read()
    }

    #[test]
    fn what_is_asked_for_is_sent() {
        let all = json!({"name": "a", "tracks": {"total": 2, "items": [
            {"added_at": "t", "track": {"name": "x", "album": {"name": "y", "id": 1}}},
            {"added_at": "t", "track": {"name": "z", "album": {"name": "y", "id": 1}}},
        ]}});
        for (fields, sent) in [
            ("name", json!({"name": "a"})),
            ("tracks.total", json!({"tracks": {"total": 2}})),
            (
                "tracks.items(track(name))",
                json!({"tracks": {"items": [{"track": {"name": "x"}}, {"track": {"name": "z"}}]}}),
            ),
            (
                "name,tracks(total,items.added_at)",
                json!({"name": "a", "tracks": {"total": 2, "items": [{"added_at": "t"}, {"added_at": "t"}]}}),
            ),
            (
                "tracks.items(track(album(!name)))",
                json!({"tracks": {"items": [{"track": {"album": {"id": 1}}}, {"track": {"album": {"id": 1}}}]}}),
            ),
            (
                "tracks.total,tracks.items(added_at)",
                json!({"tracks": {"total": 2, "items": [{"added_at": "t"}, {"added_at": "t"}]}}),
            ),
            ("!tracks", json!({"name": "a"})),
            ("!tracks.items", json!({"name": "a", "tracks": {"total": 2}})),
            ("nothing", json!({})),
        ] {
            assert_eq!(read(fields).expect("it can be read").of(all.clone()), sent, "{fields}");
        }
        assert_eq!(FieldsQuery { fields: None }.read().expect("all").of(all.clone()), all);
    }

    #[test]
    fn what_is_not_sent_need_not_be_read() {
        for (fields, wanted) in [
            ("name", false),
            ("tracks", true),
            ("tracks.total", false),
            ("tracks.items(track)", true),
            ("!tracks", false),
            ("!tracks.items", false),
            ("!name", true),
        ] {
            assert_eq!(read(fields).expect("it can be read").want(&["tracks", "items"]), wanted, "{fields}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", ",", "a,", "a(", "a()", "a(b", "a)", "a.", ".a", "a b", "!", "ä"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&"a.".repeat(DEPTH)).is_err() && read(&format!("{}a", "a(".repeat(400))).is_err());
        assert!(read(&"a".repeat(CHARS + 1)).is_err() && read(&"a".repeat(CHARS)).is_ok());
    }
}

//! Files that look as before and may have other bytes: they are read as a whole before they are recorded.

use super::FoundFile;
use crate::{
    db::{DbConnection, DbError, schema::files},
    media::{digest::Digest, version::is_untouched},
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use std::collections::HashMap;

/// What is known of a file that looks as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The SHA-256 that it had.
    pub sha256: Digest,
    /// Whether its change time is the same, so that no program has changed it.
    pub is_untouched: bool,
}

/// For each found file the doubt whether it has the bytes that its row names: it looks the same, and its change time is
/// another, or everything is in doubt (`all`). There is none when no SHA-256 is known, with which it could be compared.
///
/// # Errors
/// Those of the database.
pub fn doubts(connection: &mut DbConnection, found: &[FoundFile], all: bool) -> Result<Vec<Option<Doubt>>, DbError> {
    connection.prefer_indices()?;
    let looks = found.iter().filter_map(|file| file.version.as_ref()).map(|version| &version.look);
    let rows: Vec<(String, i64, Option<String>)> = files::table
        .filter(files::look.eq_any(looks))
        .filter(files::sha256.is_not_null())
        .filter(files::sha256_us.gt(0))
        .select((files::look, files::ctime_ns, files::sha256))
        .load(connection)?;
    let mut by_look: HashMap<String, Vec<(i64, Digest)>> = HashMap::new();
    for (look, ctime_ns, sha256) in rows {
        if let Some(sha256) = sha256.and_then(|text| text.parse().ok()) {
            by_look.entry(look).or_default().push((ctime_ns, sha256));
        }
    }
    let doubt = |file: &FoundFile| {
        let known = by_look.get(&file.version.as_ref()?.look)?;
        let of = |(ctime_ns, sha256): &(i64, Digest)| {
            let is_untouched = is_untouched(*ctime_ns, file.stat.ctime_ns);
            (all || !is_untouched).then_some(Doubt { sha256: *sha256, is_untouched })
        };
        known.iter().find_map(of)
    };
    Ok(found.iter().map(doubt).collect())
}

//! `REDbot`, an HTTP linter, on the URLs of a track.

use super::{
    edge::Edged,
    fixture::{Track, noise},
    links::key,
};
use crate::harness::{Dialect, Server, TestDatabase, python, run};
use segue::{auth::LinkClaims, values::login::LoginId};
use serde_json::Value;
use std::collections::BTreeSet;

/// Accepted notes of level bad or warning, each with the reason.
const ACCEPTED: [(&str, &str); 1] = [(
    "CONTENT_TYPE_MISMATCH",
    "sniffpy 1.0.0 compares audio with the patterns of images alone and so takes every audio file for `undefined`",
)];

/// The same at the edge.
const ACCEPTED_AT_EDGE: [(&str, &str); 2] =
    [ACCEPTED[0], ("STORE_PUBLIC_UNNECESSARY", "some CDNs keep only what says that it is public")];

/// All notes in the report with their levels, including nested ones.
fn notes<'a>(report: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    if let (Some(id), Some(level)) = (report["note_id"].as_str(), report["level"].as_str()) {
        found.push((id, level));
    }
    match report {
        Value::Array(items) => items.iter().for_each(|item| notes(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| notes(field, found)),
        _ => {}
    }
}

/// The complaints about an address.
fn complaints(url: &str) -> BTreeSet<String> {
    let output = python().args(["-m", "redbot.cli", "-o", "har", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = vec![];
    notes(&report, &mut found);
    assert!(found.iter().any(|(_, level)| *level == "GOOD"), "it read the answer: {found:?}");
    let complaints = found.into_iter().filter(|(_, level)| matches!(*level, "BAD" | "WARN"));
    complaints.map(|(id, _)| id.to_owned()).collect()
}

fn ids(accepted: &[(&str, &str)]) -> BTreeSet<String> {
    accepted.iter().map(|(id, _)| (*id).to_owned()).collect()
}

#[test]
fn redbot_has_no_complaint() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(200_000));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let info = login.get(&format!("/v1/tracks/{}/media", track.id)).await.json();
        let claims = LinkClaims { login: LoginId(7), expires_s: 99_999_999_999 };
        let signature = key(&database).sign_link("track", &track.id.to_string(), claims);
        let query = format!("login={}&expires={}&signature={signature}", claims.login, claims.expires_s);
        let stream = format!("{}{}?{query}", server.base, track.stream());
        // After the first request the hash is known and sent as well.
        for url in [info["url"].as_str().unwrap(), &stream] {
            assert_eq!(complaints(url), ids(&ACCEPTED), "found, and accepted: {url}");
        }
    });
}

#[test]
fn redbot_has_no_complaint_about_the_edge() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(200_000));
        let edged = Edged::start(&database).await;
        let login = edged.server.user(&database, "anna").await;
        let url = format!("{}{}", edged.base, edged.target(&login, &track).await);
        for _ in ["a miss", "a hit"] {
            assert_eq!(complaints(&url), ids(&ACCEPTED_AT_EDGE), "found, and accepted: {url}");
        }
    });
}

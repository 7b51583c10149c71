//! Files that are not a complete backup of this version or an older one are refused, and the database is unchanged.

use super::{add_plays, altered, assert_same, back_up, lines, refused, restore, rows, sql, value, write_lines};
use crate::harness::{Dialect, TestDatabase, segue};
use std::{fs, path::Path};

fn with_a_user(database: &TestDatabase) {
    sql(database, "INSERT INTO users VALUES (1, 'anna', 'anna', '', 'admin', 0)");
}

/// Asserts that `segue restore` refuses a file with a message that has these parts, and changes nothing.
#[track_caller]
fn refuses(database: &TestDatabase, file: &Path, expected: &[&str]) {
    let before = rows(&back_up(database, "before.backup"));
    fs::remove_file(database.folder.path().join("before.backup")).expect("it is there");
    let said = refused(database, "restore", file, &["--yes"]);
    for part in expected {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let after = rows(&back_up(database, "before.backup"));
    fs::remove_file(database.folder.path().join("before.backup")).expect("it is there");
    assert_same(&before, &after);
}

on_both_databases! {
    async fn a_damaged_file_is_refused(database) {
        with_a_user(&database);
        add_plays(&database, 2_000);
        let good = back_up(&database, "good.backup");
        let bytes = fs::read(&good).expect("it is there");
        let bad = database.folder.path().join("bad.backup");
        for keep in [0, 5, 200, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&bad, &bytes[..keep]).expect("room");
            refuses(&database, &bad, if keep < 1000 { &["not a backup"] } else { &["damaged"] });
        }
        for place in [bytes.len() / 3, bytes.len() / 2] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 0x10;
            fs::write(&bad, flipped).expect("room");
            refuses(&database, &bad, &["damaged"]);
        }
        fs::write(&bad, "some text\n".repeat(99)).expect("room");
        refuses(&database, &bad, &["not a backup"]);
        refuses(&database, database.folder.path(), &["cannot be used"]);
        refuses(&database, Path::new("/nonexistent"), &["/nonexistent cannot be used", "No such file"]);
    }

    async fn a_complete_file_with_impossible_content_is_refused(database) {
        with_a_user(&database);
        let good = back_up(&database, "good.backup");
        let head = |from: &str, to: &str| altered(&good, |lines| {
            assert!(lines[0].contains(from), "{}", lines[0]);
            lines[0] = lines[0].replacen(from, to, 1);
        });
        refuses(&database, &head("\"version\":1", "\"version\":2"), &["newer version of segue"]);
        refuses(&database, &head("]}", ",\"29991231235959\"]}"), &["newer version of segue", "29991231235959"]);
        refuses(&database, &head("segue-backup", "other-backup"), &["not a backup"]);
        refuses(&database, &head("[\"20", "[\"19"), &["newer version"]);
        let rest = |change: fn(&mut Vec<String>)| altered(&good, change);
        refuses(&database, &rest(|lines| { lines.swap_remove(2); }), &["damaged", "line"]);
        refuses(&database, &rest(|lines| lines[2] = lines[2].replace("[1,", "[\"1\",")), &["damaged", "line 3"]);
        refuses(&database, &rest(|lines| lines[2] = lines[2].replace("[1,", "[1.5,")), &["damaged"]);
        refuses(&database, &rest(|lines| lines[1] = lines[1].replace("users", "people")), &["does not fit"]);
        refuses(&database, &rest(|lines| lines[1] = lines[1].replace("\"role\"", "\"rank\"")), &["does not fit", "rank"]);
        refuses(&database, &rest(|lines| { lines.pop(); }), &["does not fit", "lacks the table gone_playlists"]);
        let mut changed = lines(&good);
        changed[2] = changed[2].replace("anna", "eve");
        let forged = good.with_extension("forged");
        write_lines(&forged, &changed);
        refuses(&database, &forged, &["damaged", "checksum"]);
        let twice = rest(|lines| {
            lines[1] = lines[1].replace("\"rows\":1", "\"rows\":2");
            lines.insert(2, lines[2].clone());
        });
        refuses(&database, &twice, &["refused a statement"]);
        assert_eq!(value(&database, "SELECT name FROM users"), "anna");
    }

    /// The backup has the tables of an older version; the restore migrates them.
    async fn an_older_backup_is_migrated(database) {
        with_a_user(&database);
        let good = back_up(&database, "good.backup");
        let all = lines(&good);
        let head: serde_json::Value = serde_json::from_str(&all[0]).expect("JSON");
        let migrations = head["migrations"].as_array().expect("a list");
        let first = migrations[0].as_str().expect("a text").to_owned();
        assert!(migrations.len() > 1);
        let older = altered(&good, |lines| {
            let mut head = head.clone();
            head["migrations"] = serde_json::json!([first]);
            lines[0] = head.to_string();
            let of_then = ["users", "logins", "revocations", "secrets"];
            let mut keep = true;
            lines.retain(|line| {
                if let Some(rest) = line.strip_prefix("{\"table\":\"") {
                    keep = of_then.iter().any(|table| rest.starts_with(&format!("{table}\"")));
                }
                keep
            });
            lines.insert(0, head.to_string());
            lines.remove(1);
        });
        sql(&database, "INSERT INTO users VALUES (2, 'bert', 'bert', '', 'user', 0)");
        restore(&database, &older);
        assert_eq!(value(&database, "SELECT count(*) FROM users"), "1");
        assert_eq!(value(&database, "SELECT count(*) FROM plays"), "0", "its table is there");
        let again = back_up(&database, "again.backup");
        assert_eq!(lines(&again)[0].matches("\"20").count(), migrations.len() + 1, "all migrations, and the date");
    }
}

#[test]
fn a_backup_does_not_replace_the_database() {
    let database = TestDatabase::new(Dialect::Sqlite);
    with_a_user(&database);
    let path = database.url.strip_prefix("sqlite:").expect("SQLite").to_owned();
    let before = fs::read(&path).expect("it is there");
    let link = database.folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    let linked = format!("sqlite:{}", link.display());
    let in_folder = |name: &str| Path::new(&path).with_file_name(name);
    let file_name = Path::new(&path).file_name().expect("a name").to_string_lossy().into_owned();
    for (url, file) in [
        (&database.url, Path::new(&path).to_owned()),
        (&database.url, in_folder(&format!("{file_name}-wal"))),
        (&linked, Path::new(&path).to_owned()),
        (&linked, link.clone()),
    ] {
        let output = segue(&database).args(["backup", "--force", "--database-url", url]).arg(&file).output();
        let output = output.expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("is a file of the database itself"), "{output:?}");
    }
    assert!(link.is_symlink() && fs::read(&path).expect("it is there") == before, "the database is unchanged");
}

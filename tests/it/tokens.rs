//! Accounts of load tests: made with tokens, used, and removed with all they left.

use crate::{
    harness::{Dialect, Server, TestDatabase, run, segue, send, until},
    sync::socket::Socket,
};
use awc::http::Method;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::BigInt};
use segue::db::{
    Db, DbError,
    backup::{LEFT_OUT, TABLES, each_row, tables},
};
use segue_client::protocol::ids::UserId;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Output,
};

/// Tables in which a removal leaves rows on purpose: revocations keep tokens invalid until they would have expired,
/// `gone_playlists` and `changes` tell the readers of changes. The rows of `nodes` change with time.
const LEFT_BEHIND: &[&str] = &["revocations", "gone_playlists", "changes", "nodes"];

fn user(database: &TestDatabase, arguments: &[&str]) -> Output {
    segue(database).arg("user").args(arguments).output().expect("the program runs")
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains(why), "{output:?}");
}

/// The lines of a token file.
fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("it was written");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

fn field<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_else(|| panic!("{name}: {line}"))
}

/// A row of the table that no backup holds.
#[derive(QueryableByName)]
struct Code {
    #[diesel(sql_type = BigInt)]
    user_id: i64,
}

/// All rows of all tables but those of [`LEFT_BEHIND`].
fn rows(db: &Db) -> BTreeMap<String, BTreeSet<String>> {
    let read = db.read_blocking(|connection| {
        let mut all = BTreeMap::new();
        for table in tables(connection)? {
            let mut rows = BTreeSet::new();
            each_row(connection, &table, |row| {
                rows.insert(row.to_owned());
                Ok::<_, DbError>(())
            })?;
            all.insert(table.name, rows);
        }
        let codes: Vec<Code> = sql_query("SELECT user_id FROM login_codes").load(connection)?;
        all.insert("login_codes".to_owned(), codes.iter().map(|code| code.user_id.to_string()).collect());
        Ok(all)
    });
    let mut all = read.expect("the database answers");
    assert_eq!(all.len(), TABLES.len() + LEFT_OUT.len() - 1, "every table but `nodes`");
    all.retain(|table, _| !LEFT_BEHIND.contains(&table.as_str()));
    all
}

/// Writes what a user leaves in those tables that the API does not fill at once.
fn leave(db: &Db, user: i64) {
    let statements = [
        format!("INSERT INTO saved_tracks (user_id, track_id, added_us) VALUES ({user}, 1, 1)"),
        format!("INSERT INTO saved_albums (user_id, album_id, added_us) VALUES ({user}, 1, 1)"),
        format!("INSERT INTO login_networks (user_id, network, last_us) VALUES ({user}, '192.0.2.1', 1)"),
        format!("INSERT INTO followed_artists (user_id, artist_id, added_us) VALUES ({user}, 1, 1)"),
        format!(
            "INSERT INTO session_queues (user_id, queue_revision, queue) VALUES ({user}, 1, '[]') ON CONFLICT DO NOTHING"
        ),
        format!(
            "INSERT INTO plays (user_id, epoch, revision, media_id, kind, started_us, counted) \
             VALUES ({user}, 1, 1, 7, 'track', 1, TRUE)"
        ),
        "INSERT INTO play_counts (media_id, plays) VALUES (7, 1) \
         ON CONFLICT (media_id) DO UPDATE SET plays = play_counts.plays + 1"
            .to_owned(),
    ];
    let written = db.write_blocking(|connection| {
        for statement in &statements {
            sql_query(statement).execute(connection)?;
        }
        Ok(())
    });
    written.expect("the database answers");
}

fn bits(id: &str) -> i64 {
    id.parse::<UserId>().expect("an id").to_sql()
}

on_both_databases! {
    async fn accounts_of_a_load_test_have_tokens_and_go_with_all_they_left(database) {
        let server = Server::start_with(&database, &["--poll-ms=50"]).await;
        let db = database.open();
        let anna = server.user(&database, "load-anna").await;
        let person = server.user(&database, "load-000999").await;
        for login in [&anna, &person] {
            assert_eq!(login.post("/v1/me/playlists", &json!({"name": "mine"})).await.status, 201);
            leave(&db, bits(&login.user));
        }
        let before = rows(&db);

        let file = database.folder.path().join("tokens.jsonl");
        let out = file.to_str().expect("text");
        let made = told(&user(&database, &["tokens", "--count", "300", "--prefix", "Load", "--out", out]));
        assert_eq!(made, format!("{out}: 300 tokens of 300 accounts made and 0 used again\n"));
        assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o7777, 0o600);
        let first = lines(&file);
        let names: Vec<_> = first.iter().map(|line| field(line, "username").to_owned()).collect();
        assert_eq!(names, (1..=300).map(|number| format!("Load-{number:06}")).collect::<Vec<_>>());
        let again = told(&user(&database, &["tokens", "--count", "301", "--prefix", "load", "--out", out]));
        assert_eq!(again, format!("{out}: 301 tokens of 1 account made and 300 used again\n"));
        let second = lines(&file);
        let of_first = field(&first[0], "user_id");
        assert_eq!(of_first, field(&second[0], "user_id"));
        assert!(fs::read_dir(database.folder.path()).expect("a folder").all(|file| {
            !file.expect("readable").file_name().to_string_lossy().ends_with(".part")
        }));

        let ask = async |token: &str, path: &str| send(server.request(Method::GET, path).bearer_auth(token)).await;
        for line in [&first[0], &second[0], &first[299], &second[300]] {
            let (token, me) = (field(line, "token"), field(line, "user_id"));
            assert_eq!(ask(token, "/v1/me").await.json()["id"], me);
            let (_, welcome) = Socket::join(&server, token, 1).await;
            assert_eq!(welcome.devices.devices.len(), 1);
        }
        for password in ["!", "", "long enough"] {
            let credentials = json!({"username": "load-000001", "password": password});
            server.post("/v1/auth/login", &credentials).await.assert_error(401, "unauthorized");
        }
        for line in [&first[0], &first[299]] {
            let post = |path: &str, body: Value| {
                let request = server.request(Method::POST, path).bearer_auth(field(line, "token"));
                async move { crate::harness::receive(request.send_json(&body).await).await }
            };
            assert_eq!(post("/v1/me/playlists", json!({"name": "theirs", "public": true})).await.status, 201);
            assert_eq!(post("/v1/auth/keys", json!({"name": "a key", "scope": "read"})).await.status, 201);
            assert_eq!(post("/v1/auth/codes", json!({})).await.status, 200);
            leave(&db, bits(field(line, "user_id")));
        }
        let with_all = rows(&db);
        let more = before.keys().filter(|table| with_all[*table] != before[*table]).map(String::as_str);
        let tables = [
            "api_keys", "followed_artists", "login_codes", "login_networks", "logins", "play_counts",
            "playlists", "plays", "saved_albums", "saved_tracks", "session_queues", "sessions", "users",
        ];
        assert_eq!(more.collect::<Vec<_>>(), tables, "there is something to remove");

        let removed = told(&user(&database, &["remove", "--prefix", "load"]));
        let stays = "1 account of such a name not removed, because of a password or the role of an admin\n";
        assert_eq!(removed, format!("301 accounts removed, 603 logins ended\n{stays}"));
        assert_eq!(rows(&db), before, "real people keep what they have, and nothing else is left");
        until("the server learns of it", async || ask(field(&first[0], "token"), "/v1/me").await.status == 401).await;
        for login in [&anna, &person] {
            assert_eq!(login.get("/v1/me").await.status, 200);
        }
        let removed = told(&user(&database, &["remove", "--prefix", "load"]));
        assert_eq!(removed, format!("0 accounts removed, 0 logins ended\n{stays}"));
    }

    async fn an_account_that_got_a_password_or_a_role_is_a_persons(database) {
        assert!(user(&database, &["tokens", "--count", "3", "--prefix", "l_d", "--out", "-"]).status.success());
        let password = segue(&database).args(["user", "passwd", "l_d-000001"]).env("SEGUE_PASSWORD", "long enough").output();
        assert!(password.expect("the program runs").status.success());
        let admin = "UPDATE users SET role = 'admin' WHERE name = 'l_d-000002'";
        let db = database.open();
        assert_eq!(db.write_blocking(|connection| Ok(sql_query(admin).execute(connection)?)).expect("it answers"), 1);
        // The blank of another prefix's pattern: `_` stands for itself.
        let person = segue(&database).args(["user", "add", "lad-000001"]).env("SEGUE_PASSWORD", "long enough").output();
        assert!(person.expect("the program runs").status.success());
        let file = database.folder.path().join("tokens.jsonl");
        let more = ["tokens", "--count", "4", "--prefix", "l_d", "--out", file.to_str().expect("text")];
        refused(&user(&database, &more), "l_d-000001 has a password or is an admin");
        assert!(!file.exists(), "nothing was written");
        let removed = told(&user(&database, &["remove", "--prefix", "l_d"]));
        assert!(removed.starts_with("1 account removed, 1 login ended\n2 accounts of such a name not removed"), "{removed}");
        assert_eq!(told(&user(&database, &["list"])), "user\tl_d-000001\nadmin\tl_d-000002\nuser\tlad-000001\n");
    }
}

#[test]
fn what_would_be_a_mistake_is_refused_before_anything_is_made() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let folder = database.folder.path();
        let tokens = |prefix: &str, count: &str, out: &Path| {
            user(&database, &["tokens", "--count", count, "--prefix", prefix, "--out", out.to_str().expect("text")])
        };
        let file = folder.join("tokens.jsonl");
        refused(&tokens("ab", "1", &file), "at least 3 characters");
        refused(&tokens("a b c", "1", &file), "a user name has letters");
        refused(&tokens(&"x".repeat(60), "1", &file), "1 to 64 characters");
        refused(&tokens("load", "0", &file), "0 is not in 1..=999999");
        refused(&tokens("load", "1", folder), "is no regular file");
        refused(&tokens("load", "1", Path::new("/dev/null")), "is no regular file");
        refused(&tokens("load", "1", &folder.join("segue.db")), "is a file of the database");
        refused(&tokens("load", "1", &folder.join("nowhere/tokens")), "cannot be used");
        assert!(!file.exists());
        assert_eq!(told(&user(&database, &["list"])), "");
        for (arguments, why) in [
            (&["--prefix", "ab"][..], "at least 3 characters"),
            (&["--prefix", "load", "load-000001"], "cannot be used with"),
            (&[], "required"),
        ] {
            refused(&user(&database, &[&["remove"], arguments].concat()), why);
        }
        let printed = tokens("load", "2", Path::new("-"));
        let out = told(&printed);
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2);
        let note = String::from_utf8_lossy(&printed.stderr);
        assert_eq!(note, "2 tokens of 2 accounts made and 0 used again\n");
    });
}

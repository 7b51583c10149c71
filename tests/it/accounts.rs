//! Accounts: the first account, logging in and out, permissions, and the limit of log-in attempts.

use crate::harness::{Dialect, Server, TestDatabase, receive, run, segue, send, until};
use awc::http::Method;
use segue::{
    db::{login_networks, users::by_name},
    time,
};
use serde_json::json;
use std::net::IpAddr;

on_both_databases! {
    async fn the_first_account_is_made_with_the_link_of_the_console_and_only_once(database) {
        let mut server = Server::start(&database).await;
        let mut lines = std::iter::from_fn(|| server.line());
        let invitation = lines.find(|line| line.contains("/setup#")).expect("without users the console shows a link");
        let secret = invitation.split_once("/setup#").expect("the link holds a secret").1.to_owned();
        assert!(server.get("/setup").await.header("content-type").starts_with("text/html"));

        let account = |secret: &str| json!({"secret": secret, "username": "Ånna", "password": "long enough"});
        server.post("/v1/auth/setup", &account("wrong")).await.assert_error(403, "forbidden");
        let short = json!({"secret": secret, "username": "Ånna", "password": "short"});
        server.post("/v1/auth/setup", &short).await.assert_error(400, "invalid");
        let made = server.post("/v1/auth/setup", &account(&secret)).await;
        assert_eq!((made.status.as_u16(), &made.json()["user"]["role"]), (200, &json!("admin")));
        server.post("/v1/auth/setup", &account(&secret)).await.assert_error(403, "forbidden");

        let me = server.log_in("ånna", "long enough").await.get("/v1/me").await.json();
        assert_eq!((&me["display_name"], &me["type"]), (&json!("Ånna"), &json!("user")));
        drop(server);
        let mut server = Server::start(&database).await;
        server.signal("TERM");
        let lines: Vec<_> = std::iter::from_fn(|| server.line()).collect();
        assert_eq!(lines, [format!("open this in your browser to listen: {}/", server.base)], "no link for a first account");
    }

    async fn a_login_ends_when_it_is_revoked(database) {
        let server = Server::start(&database).await;
        let phone = server.user(&database, "anna").await;
        let tab = server.log_in("ANNA", "anna-password").await;
        let desk = server.log_in("anna", "anna-password").await;
        let other = server.user(&database, "ben").await;

        let logins = phone.get("/v1/auth/logins").await.json();
        let items = logins["items"].as_array().expect("a list");
        assert_eq!(items.len(), 3);
        let current: Vec<_> = items.iter().filter(|login| login["current"] == true).map(|login| &login["id"]).collect();
        assert_eq!(current, [&json!(phone.id)]);

        other.delete(&format!("/v1/auth/logins/{}", tab.id)).await.assert_error(404, "not_found");
        assert_eq!(tab.get("/v1/me").await.status, 200);
        assert_eq!(phone.delete(&format!("/v1/auth/logins/{}", tab.id)).await.status, 204);
        tab.get("/v1/me").await.assert_error(401, "unauthorized");
        assert_eq!(phone.delete("/v1/auth/logins").await.status, 204);
        desk.get("/v1/me").await.assert_error(401, "unauthorized");
        assert_eq!(phone.post("/v1/auth/logout", &json!({})).await.status, 204);
        phone.get("/v1/me").await.assert_error(401, "unauthorized");
        assert_eq!(other.get("/v1/me").await.status, 200);
    }

    async fn revoked_logins_stay_revoked_after_a_restart_and_those_of_another_process_are_noticed(database) {
        let server = Server::start_with(&database, &["--poll-ms=50"]).await;
        let (anna, ben) = (server.user(&database, "anna").await, server.user(&database, "ben").await);
        let (of_anna, of_ben) = (anna.token.clone(), ben.token.clone());
        assert_eq!(anna.post("/v1/auth/logout", &json!({})).await.status, 204);
        let changed = segue(&database).args(["user", "passwd", "ben"]).env("SEGUE_PASSWORD", "another one").output();
        assert!(changed.expect("the program runs").status.success());
        until("the server learns of it", async || ben.get("/v1/me").await.status == 401).await;
        drop(server);
        let again = Server::start(&database).await;
        for token in [of_anna, of_ben] {
            send(again.request(Method::GET, "/v1/me").bearer_auth(&token)).await.assert_error(401, "unauthorized");
        }
    }

    async fn a_new_password_ends_the_other_logins(database) {
        let server = Server::start(&database).await;
        let here = server.user(&database, "anna").await;
        let there = server.log_in("anna", "anna-password").await;
        let change = |old: &str, new: &str| json!({"old": old, "new": new});
        here.put("/v1/me/password", &change("wrong", "new password")).await.assert_error(403, "forbidden");
        here.put("/v1/me/password", &change("anna-password", "short")).await.assert_error(400, "invalid");
        assert_eq!(here.put("/v1/me/password", &change("anna-password", "new password")).await.status, 204);
        assert_eq!(here.get("/v1/me").await.status, 200);
        there.get("/v1/me").await.assert_error(401, "unauthorized");
        let old = json!({"username": "anna", "password": "anna-password"});
        server.post("/v1/auth/login", &old).await.assert_error(401, "unauthorized");
        server.log_in("anna", "new password").await;
    }

    async fn admins_manage_accounts_and_others_cannot(database) {
        let server = Server::start(&database).await;
        let (admin, user) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        let new = json!({"username": "ben", "password": "ben-password"});
        user.get("/v1/users").await.assert_error(403, "forbidden");
        user.post("/v1/users", &new).await.assert_error(403, "forbidden");
        user.get(&format!("/v1/users/{}", admin.user)).await.assert_error(404, "not_found");
        assert_eq!(user.get(&format!("/v1/users/{}", user.user)).await.status, 200);
        server.get("/v1/users").await.assert_error(401, "unauthorized");

        assert_eq!(admin.post("/v1/users", &new).await.status, 201);
        admin.post("/v1/users", &json!({"username": "BEN", "password": "ben-password"})).await.assert_error(409, "conflict");
        admin.post("/v1/users", &json!({"username": "a b", "password": "ben-password"})).await.assert_error(400, "invalid");
        let page = admin.get("/v1/users?limit=2&offset=1").await.json();
        let names: Vec<_> = page["items"].as_array().expect("a list").iter().map(|user| &user["display_name"]).collect();
        assert_eq!((names, &page["total"], &page["next"]), (vec![&json!("ben"), &json!("root")], &json!(3), &json!(null)));
        assert_eq!(page["previous"], format!("{}/v1/users?limit=2&offset=0", server.base));

        let ben = server.log_in("ben", "ben-password").await;
        let path = format!("/v1/users/{}", ben.user);
        let change = json!({"password": "another one", "role": "admin"});
        assert_eq!(admin.send(Method::PATCH, &path, &change).await.status, 204);
        ben.get("/v1/me").await.assert_error(401, "unauthorized");
        let ben = server.log_in("ben", "another one").await;
        assert_eq!(ben.get("/v1/users").await.status, 200);
        assert_eq!(ben.delete(&format!("/v1/users/{}", admin.user)).await.status, 204);
        admin.get("/v1/me").await.assert_error(401, "unauthorized");
        ben.delete(&path).await.assert_error(409, "conflict");
        ben.send(Method::PATCH, &path, &json!({"role": "user"})).await.assert_error(409, "conflict");
        ben.delete("/v1/users/0000000000000001").await.assert_error(404, "not_found");
    }

    async fn accounts_are_managed_by_commands(database) {
        let server = Server::start_with(&database, &["--poll-ms=50"]).await;
        let login = server.user(&database, "anna").await;
        let file = database.folder.path().join("password");
        std::fs::write(&file, "from a file\nand no more\n").expect("a file");
        let output = segue(&database).args(["user", "passwd", "anna", "--password-file"]).arg(&file).output();
        assert!(output.expect("the program runs").status.success());
        server.log_in("anna", "from a file").await;
        until("the server learns of it", async || login.get("/v1/me").await.status == 401).await;
        let listed = segue(&database).args(["user", "list"]).output().expect("the program runs");
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "user\tanna\n");
        for (arguments, told) in [
            (&["user", "add", "Anna"][..], "there is a user named Anna"),
            (&["user", "passwd", "nobody"], "there is no user named nobody"),
            (&["user", "add", "a b"], "a user name has"),
            (&["user", "remove", "nobody", "--yes"], "there is no user named nobody"),
            (&["user", "remove", "anna"], "Pass --yes to do so"),
        ] {
            let output = segue(&database).args(arguments).env("SEGUE_PASSWORD", "long enough").output();
            let output = output.expect("the program runs");
            assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(told), "{output:?}");
        }
    }

    async fn an_account_is_removed_from_the_terminal(database) {
        let server = Server::start_with(&database, &["--poll-ms=50"]).await;
        let admin = server.admin(&database, "root").await;
        let login = server.user(&database, "anna").await;
        let made = login.post("/v1/me/playlists", &json!({"name": "mine", "public": true})).await.json();
        let remove = |name: &str| segue(&database).args(["user", "remove", name, "--yes"]).output().expect("it runs");
        let removed = remove("ANNA");
        assert_eq!(String::from_utf8_lossy(&removed.stdout), "user anna removed, 1 login ended\n", "{removed:?}");
        until("the server learns of it", async || login.get("/v1/me").await.status == 401).await;
        let list = format!("/v1/playlists/{}", made["id"].as_str().expect("an id"));
        admin.get(&list).await.assert_error(404, "not_found");
        let refused = remove("root");
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && text.contains("is the last admin"), "{refused:?}");
        let listed = segue(&database).args(["user", "list"]).output().expect("the program runs");
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "admin\troot\n");
    }
}

#[test]
fn log_in_attempts_are_limited_by_name_and_by_address() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start_with(&database, &["--login-tries-per-user=2", "--login-tries-per-address=5"]).await;
        let guess =
            async |name: &str| server.post("/v1/auth/login", &json!({"username": name, "password": "a guess"})).await;
        guess("anna").await.assert_error(401, "unauthorized");
        guess("ANNA").await.assert_error(401, "unauthorized");
        let third = guess("anna").await;
        third.assert_error(429, "rate_limited");
        assert!(third.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=31).contains(&seconds)));
        guess("ben").await.assert_error(401, "unauthorized");
        guess("carl").await.assert_error(401, "unauthorized");
        guess("dora").await.assert_error(429, "rate_limited");
    });
}

on_both_databases! {
    async fn who_logged_in_from_there_before_gets_through_while_strangers_try_the_name(database) {
        let flags = ["--login-tries-per-user=1", "--trusted-proxies", "127.0.0.0/8"];
        let server = Server::start_with(&database, &flags).await;
        let add = segue(&database).args(["user", "add", "anna"]).env("SEGUE_PASSWORD", "anna-password").output();
        assert!(add.expect("the program runs").status.success());
        let try_at = async |server: &Server, from: &str, password: &str| {
            let request = server.request(Method::POST, "/v1/auth/login").insert_header(("x-forwarded-for", from));
            let credentials = json!({"username": "Anna", "password": password});
            receive(request.send_json(&credentials).await).await.status.as_u16()
        };
        let guess_until_limited = async |server: &Server, from: &dyn Fn(u32) -> String| {
            for number in 0_u32.. {
                match try_at(server, &from(number), "a guess").await {
                    401 => {}
                    429 => break,
                    other => panic!("{other}"),
                }
            }
        };
        assert_eq!(try_at(&server, "192.0.2.1", "anna-password").await, 200);
        guess_until_limited(&server, &|number| format!("198.51.100.{}", number % 250)).await;
        assert_eq!(try_at(&server, "192.0.2.1", "anna-password").await, 200);
        guess_until_limited(&server, &|_| "192.0.2.1".to_owned()).await;
        drop(server);

        // A restart forgets none of the user's networks.
        let server = Server::start_with(&database, &flags).await;
        guess_until_limited(&server, &|number| format!("198.51.100.{}", number % 250)).await;
        assert_eq!(try_at(&server, "203.0.113.1", "anna-password").await, 429, "a right one, from a new network");
        assert_eq!(try_at(&server, "192.0.2.1", "anna-password").await, 200);
        drop(server);
        // Of very many the last ones are kept.
        let db = database.open();
        let user = db.read_blocking(|connection| by_name(connection, "anna")).expect("read").expect("an account");
        let written = db.write_blocking(|connection| {
            for number in 0..20_u8 {
                let address = IpAddr::from([198, 51, 100, number]);
                login_networks::note(connection, user.id, address, time::now().plus_ms(number.into()))?;
            }
            login_networks::last(connection, 100)
        });
        let kept: Vec<_> = (4..20).map(|number| ("anna".to_owned(), IpAddr::from([198, 51, 100, number]))).collect();
        assert_eq!(written.expect("written"), kept);
    }
}

#[test]
fn behind_a_trusted_proxy_each_client_has_its_own_limit() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        for (trusted, other_may) in [("127.0.0.0/8", true), ("", false), ("192.0.2.0/24", false)] {
            let flags = ["--login-tries-per-address=2", "--trusted-proxies", trusted];
            let server = Server::start_with(&database, &flags).await;
            let guess = async |from: &str| {
                let request = server.request(Method::POST, "/v1/auth/login").insert_header(("x-forwarded-for", from));
                let credentials = json!({"username": format!("{from}"), "password": "a guess"});
                receive(request.send_json(&credentials).await).await.status.as_u16()
            };
            assert_eq!((guess("192.0.2.1").await, guess("192.0.2.1").await, guess("192.0.2.1").await), (401, 401, 429));
            assert_eq!(guess("203.0.113.5, 192.0.2.1").await, 429, "{trusted:?}: what a client invents does not help");
            assert_eq!(guess("192.0.2.2").await == 401, other_may, "{trusted:?}");
        }
    });
}

#[test]
fn signing_up_is_refused_unless_the_setting_allows_it() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let account = json!({"username": "anna", "password": "long enough"});
        let server = Server::start(&database).await;
        server.post("/v1/auth/sign-up", &account).await.assert_error(403, "forbidden");
        let ways = server.get("/v1/auth/ways").await.json();
        assert_eq!(ways, json!({"has_accounts": false, "sign_up": false}));
        drop(server);
        let mut server = Server::start_with(&database, &["--sign-up"]).await;
        let refused = server.post("/v1/auth/sign-up", &account).await;
        refused.assert_error(403, "forbidden");
        assert!(refused.json().to_string().contains("open its set-up link first"), "{}", refused.json());
        let mut lines = std::iter::from_fn(|| server.line());
        let link = lines.find(|line| line.contains("/setup#")).expect("without users the console shows a link");
        let secret = link.split_once("/setup#").expect("the link holds a secret").1.to_owned();
        let first = json!({"secret": secret, "username": "root", "password": "long enough"});
        assert_eq!(server.post("/v1/auth/setup", &first).await.json()["user"]["role"], "admin");
        let made = server.post("/v1/auth/sign-up", &account).await;
        assert_eq!((made.status.as_u16(), &made.json()["user"]["role"]), (200, &json!("user")));
        let ways = server.get("/v1/auth/ways").await.json();
        assert_eq!(ways, json!({"has_accounts": true, "sign_up": true}));
        server.post("/v1/auth/sign-up", &account).await.assert_error(409, "conflict");
    });
}

#[test]
fn a_server_without_an_admin_says_at_its_start_how_to_make_one() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        for (arguments, says) in [(vec!["anna"], true), (vec!["root", "--admin"], false)] {
            let password = database.folder.path().join("password");
            std::fs::write(&password, "long enough").expect("written");
            let mut add = segue(&database);
            add.args(["user", "add", "--password-file"]).arg(&password).args(arguments);
            assert!(add.status().expect("the program runs").success());
            let mut server = Server::start(&database).await;
            server.signal("TERM");
            let lines: Vec<_> = std::iter::from_fn(|| server.line()).collect();
            let found = lines.iter().find(|line| line.starts_with("nobody is an admin: make one with `"));
            assert_eq!(found.is_some_and(|line| line.contains(" user add NAME --admin")), says, "{lines:?}");
        }
    });
}

#[test]
fn bad_requests_get_a_message_that_says_what_is_wrong() {
    run(async {
        let server = Server::start(&TestDatabase::new(Dialect::Sqlite)).await;
        let post = || server.request(Method::POST, "/v1/auth/login");
        let with =
            async |body: &'static str| receive(post().content_type("application/json").send_body(body).await).await;
        with("{").await.assert_error(400, "invalid");
        with(r#"{"username": 1}"#).await.assert_error(400, "invalid");
        receive(post().send_body("{}").await).await.assert_error(415, "unsupported_media_type");
        let huge = json!({"username": "x".repeat(2 << 20), "password": ""});
        server.post("/v1/auth/login", &huge).await.assert_error(413, "too_large");
        for header in ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer segue1.AAAA"] {
            let request = server.request(Method::GET, "/v1/me").insert_header(("authorization", header));
            let reply = send(request).await;
            reply.assert_error(401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    });
}

#[test]
fn only_large_text_is_compressed_and_only_on_request() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let login = server.admin(&database, "root").await;
        for _ in 0..12 {
            server.log_in("root", "root-password").await;
        }
        let ask = |path: &str| login.request(Method::GET, path).insert_header(("accept-encoding", "gzip"));
        let reply = send(ask("/v1/auth/logins")).await;
        assert_eq!((reply.header("content-encoding"), reply.header("vary")), ("gzip", "accept-encoding"));
        assert!(reply.body.starts_with(&[0x1f, 0x8b]));
        assert_eq!(login.get("/v1/auth/logins").await.header("content-encoding"), "");
        assert_eq!(send(ask("/v1/me")).await.header("content-encoding"), "");
        assert_eq!(send(ask("/player/app.js")).await.header("content-encoding"), "gzip", "the player, too");
    });
}

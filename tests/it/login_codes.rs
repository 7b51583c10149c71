//! Logging in on another device with a code: valid once and for five minutes, with limited attempts.

use crate::harness::{Dialect, Login, Server, TestDatabase, run};
use futures_util::future::join_all;
use serde_json::{Value, json};

async fn new_code(login: &Login<'_>) -> Value {
    let reply = login.post("/v1/auth/codes", &json!({})).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn text(code: &Value) -> String {
    code["code"].as_str().expect("a code").to_owned()
}

on_both_databases! {
    async fn a_code_opens_one_login_of_the_user_who_made_it(database) {
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        server.post("/v1/auth/codes", &json!({})).await.assert_error(401, "unauthorized");
        let made = new_code(&anna).await;
        let code = text(&made);
        assert_eq!((code.len(), &made["expires_in"]), (9, &json!(300)));
        assert_eq!(made["url"], format!("{}/login#{code}", server.base));
        let picture = made["qr_svg"].as_str().expect("a picture");
        assert!(picture.contains("<svg") && picture.contains("<path"), "{picture}");

        let typed = json!({"code": code.to_lowercase().replace('-', " ")});
        let phone = server.post("/v1/auth/codes/use", &typed).await;
        assert_eq!((phone.status.as_u16(), &phone.json()["user"]["display_name"]), (200, &json!("anna")));
        assert_eq!(anna.get("/v1/auth/logins").await.json()["items"].as_array().map(Vec::len), Some(2));
        server.post("/v1/auth/codes/use", &typed).await.assert_error(403, "forbidden");
        for nothing in ["", "0000-0000", "what is this", "𝟘𝟘𝟘𝟘"] {
            server.post("/v1/auth/codes/use", &json!({"code": nothing})).await.assert_error(403, "forbidden");
        }
    }

    async fn a_code_used_by_many_clients_at_once_opens_one_login(database) {
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        let code = json!({"code": text(&new_code(&anna).await)});
        let replies = join_all((0..8).map(|_| server.post("/v1/auth/codes/use", &code))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    }

    async fn a_code_is_invalid_after_a_newer_one_after_its_time_and_after_its_login_ends(database) {
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        let ben = server.user(&database, "ben").await;
        let used = async |code: &Value| server.post("/v1/auth/codes/use", &json!({"code": text(code)})).await;
        let (older, bens, newer) = (new_code(&anna).await, new_code(&ben).await, new_code(&anna).await);
        used(&older).await.assert_error(403, "forbidden");
        assert_eq!(used(&newer).await.json()["user"]["display_name"], "anna");

        let old = new_code(&anna).await;
        expire_all(&database);
        used(&old).await.assert_error(403, "forbidden");
        used(&bens).await.assert_error(403, "forbidden");

        let shown = new_code(&anna).await;
        assert_eq!(anna.delete("/v1/auth/logins").await.status, 204);
        used(&shown).await.assert_error(403, "forbidden");
    }
}

/// Moves the expiry of all codes five minutes back.
fn expire_all(database: &TestDatabase) {
    let sql = "UPDATE login_codes SET expires_us = expires_us - 300000000";
    let changed = database
        .open()
        .write_blocking(move |connection| Ok(diesel::RunQueryDsl::execute(diesel::sql_query(sql), connection)?));
    assert!(changed.expect("writing works") > 0);
}

#[test]
fn attempts_with_codes_are_limited_by_address() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start_with(&database, &["--login-tries-per-address=3"]).await;
        let guess = async |code: &str| server.post("/v1/auth/codes/use", &json!({"code": code})).await;
        for code in ["0000-0000", "0000-0001", "0000-0002"] {
            guess(code).await.assert_error(403, "forbidden");
        }
        let fourth = guess("0000-0003").await;
        fourth.assert_error(429, "rate_limited");
        assert!(fourth.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    });
}

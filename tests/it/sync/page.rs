//! What `actors/PROTOCOL.md` says of tokens, of the end of a socket and of settings is so at the real server.

use super::socket::{Socket, hello};
use crate::harness::{Dialect, Server, TestDatabase, run, segue};
use awc::{error::WsClientError, ws};
use futures_util::SinkExt as _;
use segue_client::protocol::{
    close::CloseReason,
    messages::ByeReason,
    wire::{ClientMessage, ServerMessage},
};

const PAGE: &str = include_str!("../../../actors/PROTOCOL.md");

/// The cells of the rows of the table with this first line.
fn rows(first: &str) -> Vec<Vec<&'static str>> {
    let table = PAGE.split_once(first).unwrap_or_else(|| panic!("there is no table {first}")).1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What a socket gets whose request and whose `hello` have these tokens.
async fn outcome(server: &Server, header: Option<&str>, token: Option<&str>) -> String {
    let mut socket = match Socket::open(server, header).await {
        Ok(socket) => socket,
        Err(WsClientError::InvalidResponseStatus(status)) => return status.as_u16().to_string(),
        Err(error) => panic!("{error}"),
    };
    socket.send(&hello(token, 1)).await;
    match socket.next().await.expect("an answer") {
        ServerMessage::Welcome(_) => "`welcome`".to_owned(),
        ServerMessage::Goaway { code, .. } if code == CloseReason::BadToken.code() => "`bad_token`".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_table_of_tokens_is_true() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let right = server.user(&database, "anna").await.token;
        let token = |word: &str| match word {
            "right" => Some(right.clone()),
            "wrong" => Some("forged".to_owned()),
            "absent" => None,
            other => panic!("no token is {other}"),
        };
        let mut count = 0;
        for row in rows("| header | `token` of the `hello` | gets |") {
            let [header, tokens, gets] = row[..] else { panic!("{row:?}") };
            for word in tokens.split([',', ' ']).filter(|word| !["", "or"].contains(word)) {
                let got = outcome(&server, token(header).as_deref(), token(word).as_deref()).await;
                assert_eq!(gets.split(':').next(), Some(got.as_str()), "header {header}, token {word}");
                count += 1;
            }
        }
        assert_eq!(count, 9, "every case has its row");
    });
}

#[test]
fn a_goodbye_is_answered_with_1000_whatever_its_form() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let bye = ClientMessage::Bye { reason: ByeReason::Close }.encode();
        let close = |code| ws::Message::Close(Some(ws::CloseReason { code, description: None }));
        let ends = [
            ws::Message::Text(bye.into()),
            ws::Message::Close(None),
            close(ws::CloseCode::Normal),
            close(ws::CloseCode::Other(3000)),
        ];
        for end in ends {
            let (mut socket, _) = Socket::join(&server, &token, 1).await;
            let shown = format!("{end:?}");
            socket.0.send(end).await.expect("the socket is open");
            assert_eq!(socket.end().await.1, Some(1000), "{shown}");
        }
    });
}

/// Thousands are separated on the page.
fn plain(number: &str) -> String {
    number.trim_end_matches(" ms").replace(',', "")
}

#[test]
fn the_settings_that_the_page_names_have_these_defaults() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let output = segue(&database).arg("config").output().expect("the program runs");
    let settings = String::from_utf8(output.stdout).expect("text");
    let setting = |name: &str| {
        let line = settings.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        let words = line.unwrap_or_else(|| panic!("no setting is {name}: {settings}"));
        words.split_whitespace().next().expect("a value").to_owned()
    };
    let limits = rows("| field | by default | meaning |");
    let of_limits = limits.iter().map(|row| (row[0].trim_matches('`'), row[1]));
    for (name, number) in of_limits.filter(|(name, _)| ["heartbeat_ms", "lease_ms", "audio_ms"].contains(name)) {
        assert_eq!(setting(name), plain(number), "{name}");
    }
    for row in rows("| bound | number | beyond it |") {
        match row[0] {
            bound if bound.starts_with("grace") => assert_eq!(setting("grace_ms"), plain(row[1])),
            bound if bound.starts_with("`jitter_ms`") => assert_eq!(setting("jitter_ms"), plain(row[1])),
            _ => {}
        }
    }
    assert_eq!(limits.len(), 7);
}

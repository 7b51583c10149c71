//! The tables of `BAD_FRAMES.md`, row by row, said to the real actors.

use super::{Device, Node, TRACK_MS, pass};
use segue_actors::protocol::wire::{FRAME_BYTES, ServerMessage};
use segue_actors::socket::Incoming;
use serde_json::Value;

const PAGE: &str = include_str!("../../../BAD_FRAMES.md");

/// The rows of the table under this heading: what is said, and what it gets.
fn rows(heading: &str) -> Vec<(&'static str, &'static str)> {
    let head = format!("| {heading} | gets |\n|---|---|\n");
    let table = PAGE.split(head.as_str()).nth(1).and_then(|rest| rest.split("\n\n").next()).expect("it is there");
    let row = |line: &'static str| line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | ");
    table.lines().map(|line| row(line).unwrap_or_else(|| panic!("a row has two cells: {line}"))).collect()
}

/// What a row says, if it says anything.
fn said(cell: &str) -> Option<Incoming> {
    if let Some(frame) = cell.strip_prefix('`').and_then(|rest| rest.split('`').next()) {
        return Some(Incoming::Text(frame.to_owned()));
    }
    let hello = |device: &str| format!(r#"{{"type":"hello","token":"anna","device":{{{device}}}}}"#);
    let ids = |count: usize| vec![r#""0000000000000010""#; count].join(",");
    let deep = |depth: usize| format!(r#"{{"type":"pong","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let instance = r#""instance":"00000000000000b1","plays":true,"controls":true"#;
    Some(Incoming::Text(match cell {
        "nothing for 5 s" => return None,
        // What is no text comes to the actor like this: `arrived` in `src/http/socket.rs`.
        "a binary frame, or one that is not UTF-8" => return Some(Incoming::Garbage(cell.to_owned())),
        "an empty frame" => String::new(),
        "65,537 bytes" => format!(r#"{{"type":"pong","x":"{}"}}"#, "x".repeat(FRAME_BYTES + 1 - 22)),
        "arrays 200 deep" => deep(200),
        "arrays 100 deep in an unknown field" => deep(100),
        "a name of 65 characters" => hello(&format!(r#"{instance},"name":"{}""#, "ü".repeat(65))),
        "501 tracks" => format!(r#"{{"type":"command","id":"00000000000000c1","op":"play","tracks":[{}]}}"#, ids(501)),
        other => panic!("this test cannot send: {other}"),
    }))
}

/// What became of it: why the socket ended, the code of a reject, the type of an answer, or nothing.
fn outcome(device: &Device) -> String {
    let frames = device.line.take();
    let values: Vec<Value> = frames.iter().map(|frame| serde_json::from_str(frame).expect("JSON")).collect();
    if let Some(reason) = device.line.closed() {
        let goaway = values.last().map(|frame| (frame["type"].as_str(), frame["code"].as_u64()));
        assert_eq!(goaway, Some((Some("goaway"), Some(u64::from(reason.code())))), "it is told first");
        return format!("`{}`", reason.slug());
    }
    let answer = values.iter().map(|frame| match frame["code"].as_str() {
        Some(code) => format!("`{code}`"),
        None => format!("`{}`", frame["type"].as_str().expect("a type")),
    });
    // What a command changed is shown to all, its author too.
    let answers: Vec<String> = answer.collect();
    let ack = answers.iter().find(|answer| **answer == "`ack`");
    match (ack, &answers[..]) {
        (Some(ack), _) => ack.clone(),
        (None, []) => "nothing".to_owned(),
        (None, [only]) => only.clone(),
        (None, several) => several.join(" and "),
    }
}

async fn check(heading: &str, is_joined: bool) -> usize {
    let mut wrong = Vec::new();
    let rows = rows(heading);
    for (cell, gets) in &rows {
        let node = Node::new();
        let mut other = node.join("bert", "Garden", 255).await;
        let mut device = node.connect();
        if is_joined {
            device.hello("anna", "Kitchen", 0xa1);
            device.play(1, &[16, 17]);
            device.settle().await;
            assert!(device.take_rest().iter().any(|frame| matches!(frame, ServerMessage::Ack { .. })));
        }
        match said(cell) {
            Some(incoming) => device.feed(incoming),
            None => pass(5_100).await,
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let got = outcome(&device);
        if got != *gets {
            wrong.push(format!("{cell} gets {got}, not {gets}"));
        }
        other.play(1, &[1]);
        other.settle().await;
        assert_eq!((other.line.closed(), super::acks(&other.take_rest())), (None, vec![1]), "of another user: {cell}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    rows.len()
}

#[actix::test]
async fn bad_frames_get_what_the_page_says() {
    tokio::time::pause();
    assert_eq!(TRACK_MS, 200_000, "as the page says");
    assert!(check("first of all", false).await >= 20);
    assert!(check("after the `welcome`", true).await >= 80);
}

//! Every example of `PROTOCOL.md` is read and written by the code as it stands there, and each type has one.

use segue_actors::wire::{ClientMessage, ServerMessage};
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../PROTOCOL.md");

/// The lines of the fenced blocks of one side.
fn examples(side: &str) -> Vec<&'static str> {
    let start = format!("```json {side}\n");
    let blocks = PAGE.split(start.as_str()).skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(lines.len() > 5, "{side} has examples");
    lines
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The types that the page's tables name for one side.
fn named(heading: &str) -> BTreeSet<String> {
    let section = PAGE.split(heading).nth(1).and_then(|rest| rest.split("```").next()).expect("the section is there");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split('|').next());
    cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`').to_owned()).collect()
}

fn kinds(examples: &[&str]) -> BTreeSet<String> {
    examples.iter().map(|text| value(text)["type"].as_str().expect("a type").to_owned()).collect()
}

#[test]
fn what_devices_say_is_read_and_written_as_the_page_says() {
    let examples = examples("device");
    for text in &examples {
        let message = ClientMessage::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(!matches!(message, ClientMessage::Unknown | ClientMessage::BadCommand(..)), "{message:?}");
        assert_eq!(value(&message.encode()), value(text));
    }
    assert_eq!(kinds(&examples), named("## From a device"));
}

#[test]
fn what_the_server_says_is_read_and_written_as_the_page_says() {
    let examples = examples("server");
    for text in &examples {
        let message = ServerMessage::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(message != ServerMessage::Unknown, "{text}");
        assert_eq!(value(&message.encode()), value(text));
    }
    assert_eq!(kinds(&examples), named("## From the server"));
}

#[test]
fn every_command_has_an_example() {
    let ops: BTreeSet<String> =
        examples("device").iter().filter_map(|text| value(text)["op"].as_str().map(str::to_owned)).collect();
    assert_eq!(ops.len(), 18, "{ops:?}");
}

//! What `PROTOCOL.md` shows on the wire happens in that order between devices and the real actors.
//!
//! A line is `a1 > …`, which is sent to the letter; `a1 < …`, which must then be among what that device is told, behind
//! what it was told in the lines before; `+400 ms`; `a1 is cut off`; or `Anna saves a track`, by a request. `UPDATE_EXPECT=1` writes what is told anew.

use crate::actors::{Device, Node, pass};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_actors::session::LibraryChange;
use segue_actors::socket::Incoming;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const PAGE: &str = include_str!("../../PROTOCOL.md");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/PROTOCOL.md");
const FENCE: &str = "```wire\n";

/// The lines of the fenced blocks.
fn lines() -> Vec<&'static str> {
    let blocks = PAGE.split(FENCE).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).collect()
}

/// What the devices say, or are told.
fn frames(way: &str) -> Vec<&'static str> {
    lines().into_iter().filter_map(|line| line.split_once(way)).map(|(_, frame)| frame).collect()
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn kind(frame: &str) -> String {
    value(frame)["type"].as_str().expect("a type").to_owned()
}

/// What the first cells of the table below a heading name: types of messages, or commands.
fn named(heading: &str) -> BTreeSet<String> {
    let section = PAGE.split(heading).nth(1).and_then(|rest| rest.split("\n#").next()).expect("the section is there");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split('|').next());
    cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn every_type_and_every_command_is_shown_and_read_and_written_as_it_stands() {
    let (said, told) = (frames(" > "), frames(" < "));
    for text in &said {
        let message = ClientMessage::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(!matches!(message, ClientMessage::Unknown | ClientMessage::BadCommand { .. }), "{message:?}");
        assert_eq!(value(&message.encode()), value(text));
    }
    for text in &told {
        let message = ServerMessage::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(message != ServerMessage::Unknown, "{text}");
        assert_eq!(message.encode(), *text);
    }
    assert_eq!(said.iter().map(|frame| kind(frame)).collect::<BTreeSet<_>>(), named("## From a device"));
    assert_eq!(told.iter().map(|frame| kind(frame)).collect::<BTreeSet<_>>(), named("## From the server"));
    let ops: BTreeSet<String> =
        said.iter().filter_map(|frame| value(frame)["op"].as_str().map(str::to_owned)).collect();
    // An unknown command is rejected with the list of those that there are.
    let unknown = r#"{"type":"command","id":"00000000000000c1","op":"levitate"}"#;
    let Ok(ClientMessage::BadCommand { why, .. }) = ClientMessage::decode(unknown) else { panic!("it is accepted") };
    let known: BTreeSet<String> = why.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert_eq!(ops, known, "each is on the wire");
    assert_eq!(named("### Commands"), known, "each has a row");
}

/// The devices of the page, by the names that it gives them.
#[derive(Default)]
struct Wire {
    devices: BTreeMap<&'static str, Device>,
    /// What each was told that no line has spoken of yet.
    told: BTreeMap<&'static str, VecDeque<String>>,
}

impl Wire {
    /// Everything that can happen now has happened.
    async fn settle(&mut self) {
        for _ in 0..5 {
            for (name, device) in &mut self.devices {
                let told = self.told.entry(name).or_default();
                told.extend(device.frames().await.iter().map(ToString::to_string));
            }
        }
    }

    /// Does what a line says; of one about what is told, the frame that it should be.
    async fn line(&mut self, node: &Node, line: &'static str) -> Option<String> {
        if let Some((name, frame)) = line.split_once(" > ") {
            let device = self.devices.entry(name).or_insert_with(|| node.connect());
            device.feed(Incoming::Text(frame.to_owned()));
        } else if let Some((name, frame)) = line.split_once(" < ") {
            let told = self.told.get_mut(name).expect("a device of the page");
            let is_it = |told: &String| told == frame;
            let is_like_it = |told: &String| kind(told) == kind(frame) && value(told)["id"] == value(frame)["id"];
            let at = told.iter().position(is_it).or_else(|| told.iter().rposition(is_like_it));
            let Some(at) = at else { panic!("{name} is told nothing like {frame}, but {told:?}") };
            return told.drain(..=at).next_back();
        } else if let Some(name) = line.strip_suffix(" is cut off") {
            self.devices.remove(name);
        } else if line == "Anna saves a track" {
            node.has_changed(LibraryChange::Saved);
        } else {
            let ms = line.strip_prefix('+').and_then(|rest| rest.strip_suffix(" ms")).expect("a line as above");
            pass(ms.parse().expect("milliseconds")).await;
        }
        self.settle().await;
        None
    }
}

#[actix::test]
async fn what_the_page_shows_on_the_wire_happens() {
    tokio::time::pause();
    let node = Node::new();
    let mut wire = Wire::default();
    let mut page = PAGE.to_owned();
    let mut wrong = Vec::new();
    for line in lines() {
        let Some(told) = wire.line(&node, line).await else { continue };
        let (name, frame) = line.split_once(" < ").expect("it was one");
        if told != frame {
            wrong.push(format!("the page: {frame}\nthe core: {told}"));
            page = page.replacen(line, &format!("{name} < {told}"), 1);
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(PATH, page).expect("the page is written");
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

//! Attacks made at random: lines that are right for the most part, wrong in one place, or noise.

use crate::hostile::{Tally, attack};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;

/// Frames that mean something in most sessions; `#` is a number, `@` a device, `$` what is true then.
const FRAMES: &[&str] = &[
    r#"{"type":"hello","device":{"id":"@","instance":"@","name":"a","plays":true,"controls":true}}"#,
    r#"{"type":"hello","device":{"id":"@","instance":"$c","name":"a","plays":true,"controls":true}}"#,
    r#"{"type":"hello","device":{"instance":"$c","name":"ü","plays":true,"controls":true},"seen":[#00000000000,#]}"#,
    r#"{"type":"hello","device":{"id":"0000000000000009","instance":"@","name":"x","plays":false,"controls":true}}"#,
    r#"{"type":"command","id":"$c","op":"play","tracks":["00000000000000#0","@"],"start":1}"#,
    r#"{"type":"command","id":"$c","op":"play","on":"@"}"#,
    r#"{"type":"command","id":"$c","op":"play","item":"$n","position_ms":-#}"#,
    r#"{"type":"command","id":"$c","op":"pause"}"#,
    r#"{"type":"command","id":"@","op":"stop"}"#,
    r#"{"type":"command","id":"$c","op":"seek","position_ms":#0000000}"#,
    r#"{"type":"command","id":"$c","if_item":"$i","op":"next"}"#,
    r#"{"type":"command","id":"$c","if_item":"$i","if_lease":$l,"op":"previous"}"#,
    r#"{"type":"command","id":"$c","op":"transfer","to":"@","mode":"play"}"#,
    r#"{"type":"command","id":"$c","op":"repeat","mode":"all"}"#,
    r#"{"type":"command","id":"$c","op":"shuffle","on":true}"#,
    r#"{"type":"command","id":"$c","op":"rate","rate":3.#}"#,
    r#"{"type":"command","id":"$c","op":"volume","device_id":"@","level":#}"#,
    r#"{"type":"command","id":"$c","op":"volume","device_id":"@","delta":-#}"#,
    r#"{"type":"command","id":"$c","op":"play.list","list":{"of":"saved"},"start":1,"shuffle":true}"#,
    r#"{"type":"command","id":"$c","op":"queue.replace","tracks":["@","@"]}"#,
    r#"{"type":"command","id":"$c","op":"queue.insert","tracks":["@","@","@","@","@"],"after":"$q"}"#,
    r#"{"type":"command","id":"$c","op":"queue.move","item":"$q","before":"$i"}"#,
    r#"{"type":"command","id":"$c","op":"queue.remove","items":["$q","$n"]}"#,
    r#"{"type":"command","id":"$c","op":"queue.clear"}"#,
    r#"{"type":"command","id":"$c","op":"device.rename","device_id":"@","name":"n#"}"#,
    r#"{"type":"command","id":"$c","op":"device.forget","device_id":"@"}"#,
    r#"{"type":"report","lease":$l,"turn":$t,"item":"$i","position_ms":#,"at_us":$u,"status":"playing"}"#,
    r#"{"type":"report","lease":$l,"turn":$t,"item":"$i","position_ms":$p,"at_us":-#,"status":"failed"}"#,
    r#"{"type":"ready","lease":$l,"turn":$t,"item":"$i","earliest_us":#}"#,
    r#"{"type":"yield","lease":$l,"seen":$s,"to":$r}"#,
    r#"{"type":"yield","lease":$a,"seen":$s}"#,
    r#"{"type":"ended","lease":$l,"turn":$t,"item":"$i","to_item":"$q","position_ms":#,"at_us":$u}"#,
    r#"{"type":"volume","level":#,"version":1}"#,
    r#"{"type":"queue","from":#,"limit":99999}"#,
    r#"{"type":"time","client_us":#}"#,
    r#"{"type":"pong"}"#,
    r#"{"type":"bye","reason":"sleep"}"#,
];

pub(crate) fn lines() -> impl Strategy<Value = String> {
    let (socket, number) = (prop_oneof![6 => 0..4_u8, 1 => 4..8_u8], prop_oneof![0..10_u64, 0..300_u64, any::<u64>()]);
    let frame = (socket, prop::sample::select(FRAMES), number, 1..6_u64).prop_map(|(socket, frame, number, device)| {
        let frame = frame.replace('#', &number.to_string()).replace('@', &format!("{device:016x}"));
        let joins = if frame.contains("hello") { String::new() } else { format!("{socket}@\n") };
        format!("{joins}{socket}{frame}")
    });
    let hurt = (frame.clone(), any::<prop::sample::Index>(), r#"[\PC]{0,3}"#).prop_map(|(line, at, put)| {
        let mut chars: Vec<char> = line.chars().collect();
        let at = 4 + at.index(chars.len() - 4);
        chars.splice(at..=at, put.chars());
        chars.into_iter().collect()
    });
    let noise = (0..8_u8, r#"[\[\]{}:,"0-9a-z$.-]{0,60}"#).prop_map(|(socket, noise)| format!("{socket}{noise}"));
    let around = (0..8_u8, r#"[!#<>]|\*[0-9]{2}"#).prop_map(|(socket, what)| format!("{socket}{what}"));
    let fate = r#"\?[nculw]|%"#;
    let time = (0..4_000_u32).prop_map(|ms| format!("+{ms}"));
    let silent = (0..4_u8, 0..300_u16).prop_map(|(socket, times)| format!("{socket}#\n{socket}*{times}"));
    prop_oneof![48 => frame, 8 => time, 4 => hurt, 1 => noise, 2 => around, 1 => silent, 1 => fate]
}

/// What must have happened at least once, or the attacks do not reach the code they are meant for.
const SEEN: &[&str] = &[
    "joined",
    "told ack",
    "told queue",
    "told time",
    "told ping",
    "rejected Stale",
    "rejected Conflict",
    "rejected Invalid",
    "rejected RateLimited",
    "rejected Offline",
    "rejected NoActiveDevice",
    "closed bad_frame",
    "closed flooding",
    "closed slow",
    "closed overloaded",
    "closed replaced",
    "closed forgotten",
    "closed not_silent",
    "closed too_many_devices",
    "closed dead",
    "session restarted",
    "backup put back",
];

/// A limit that is not kept is found here at once; in production it would restart the session.
#[test]
fn limits_that_are_reached_are_kept() {
    let attacks = include_str!("../../fuzz/corpus/limits.txt").split("\n\n");
    let all: Vec<Tally> = attacks.map(attack).collect();
    let closed = |reason: &str| all.iter().any(|tally| tally.contains_key(&format!("closed {reason}")));
    for reason in ["too_many_devices", "slow", "overloaded", "not_silent"] {
        assert!(closed(reason), "nobody is sent away for {reason}: {all:?}");
    }
}

#[test]
fn whatever_is_said_nothing_breaks_and_nothing_grows() {
    let all = RefCell::new(Tally::new());
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let start = prop::sample::select(vec!["", "&\n", "~\n", "&~\n"]);
    let attacks = (start, prop::collection::vec(lines(), 1..120));
    let outcome = runner.run(&attacks, |(start, lines)| {
        for (what, times) in attack(&format!("{start}{}", lines.join("\n"))) {
            *all.borrow_mut().entry(what).or_default() += times;
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.map_or_else(|error| error.to_string(), |()| String::new()));
    let all = all.into_inner();
    let missing: Vec<_> = SEEN.iter().filter(|what| !all.contains_key(**what)).collect();
    assert!(missing.is_empty(), "{missing:?} never happened: {all:#?}");
}

//! The numbers that `PROTOCOL.md` states are those of the code: each is found by the words before it, and compared with
//! the constant.

use segue_actors::node::Timing;
use segue_actors::protocol::device::NAME_CHARS;
use segue_actors::state::Limits;
use serde_json::Value;

const PAGE: &str = include_str!("../../PROTOCOL.md");

const ACTOR: &str = include_str!("../../src/socket/actor.rs");
const CLOCK: &str = include_str!("../../../client/src/rules/clock.rs");
const COMMANDS: &str = include_str!("../../src/state/commands.rs");
const DEVICES: &str = include_str!("../../src/state/devices.rs");
const DIRECTORY: &str = include_str!("../../src/directory.rs");
const LINK: &str = include_str!("../../../client/src/rules/link.rs");
const LIVENESS: &str = include_str!("../../src/socket/liveness.rs");
const MESSAGES: &str = include_str!("../../../client/src/protocol/messages.rs");
const OUTBOX: &str = include_str!("../../src/socket/outbox.rs");
const PENDING: &str = include_str!("../../../client/src/rules/pending_commands.rs");
const REPORTS: &str = include_str!("../../src/state/reports.rs");
const TRANSFER: &str = include_str!("../../src/state/transfer.rs");

/// The words before a number of the page; what that number is multiplied by to get the constant's unit; the file of the
/// constant, and its name.
const STATED: &[(&str, i64, &str, &str)] = &[
    ("Send `time` ", 1, CLOCK, "BURST"),
    ("that the server took) of the last ", 1, CLOCK, "KEPT"),
    ("If your clock's error bound is above ", 1_000, CLOCK, "TRUSTED_US"),
    ("but nothing that is older than ", 60_000, PENDING, "EXPIRES_MS"),
    ("Let at most ", 1, PENDING, "MOST"),
    ("but it remembers the last ", 1, DEVICES, "ANSWERED_KEPT"),
    ("that it acknowledged to a device, until ", 60_000, DEVICES, "ANSWERED_KEPT_MS"),
    ("sent again after more than ", 1, DEVICES, "ANSWERED_KEPT"),
    ("rejected with a `retry_ms` of up to ", 1_000, PENDING, "LONGEST_RETRY_MS"),
    ("what is shown of you is wrong by more than ", 1, MESSAGES, "AGREES_MS"),
    ("the server goes on to the next item, at most ", 1, REPORTS, "MOST_FAILURES"),
    ("(version 0), or after which ", 1, DEVICES, "GONE_VOLUMES_KEPT"),
    ("without moving the audio if it is within ", 1, MESSAGES, "AGREES_MS"),
    ("but not sooner than ", 1, TRANSFER, "NOTICE_MS"),
    ("on a socket that is still open is not answered within ", 1_000, LINK, "WAKING_MS"),
    ("after a random part of `jitter_ms` (at most ", 1_000, LINK, "SOUNDING_WAIT_MS"),
    ("then after a random part of ", 1, LINK, "FIRST_WAIT_MS"),
    ("doubled each time up to ", 1_000, LINK, "LONGEST_WAIT_MS"),
    ("has a `retry_ms`, wait for that first, but for no more than ", 1_000, LINK, "LONGEST_ASKED_MS"),
    ("Give an attempt up that has no `welcome` after ", 1_000, LINK, "ATTEMPT_MS"),
    ("with another `instance` waits up to ", 1_000, LIVENESS, "PROBE_MS"),
    ("| `hello` after the socket is open | ", 1, ACTOR, "HELLO_MS"),
    ("| at most this, ", 1, DIRECTORY, "JITTER_MS_PER_SESSION"),
    ("| bytes that wait for a device | ", 1, OUTBOX, "OUTBOX_BYTES"),
    ("| time in which a device takes none of them | ", 1, ACTOR, "STUCK_MS"),
    ("| age of a `report` of `playing` | ", 1, REPORTS, "STALE_MS"),
    ("| | before ", 1, COMMANDS, "PREVIOUS_MS"),
    ("The server names an instant at least ", 1, TRANSFER, "NOTICE_MS"),
    ("Without `ready` or without a `yield` within ", 1_000, TRANSFER, "PREPARE_MS"),
];

/// The page with one blank between two words.
fn page() -> String {
    PAGE.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The number that follows these words, which are on the page.
fn stated(page: &str, before: &str) -> i64 {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("the page does not say: {before}")).1;
    let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
    let words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let word = rest.split(' ').next().and_then(|word| words.iter().position(|known| *known == word));
    let spelt = word.and_then(|value| i64::try_from(value).ok());
    number.parse().ok().or(spelt).unwrap_or_else(|| panic!("no number follows: {before}"))
}

/// The value of a constant: a product of whole numbers, or of seconds, which are given in milliseconds.
fn constant(source: &str, name: &str) -> i64 {
    let rest = source.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("there is no {name}")).1;
    let value = rest.split_once(" = ").and_then(|(_, rest)| rest.split(';').next()).expect("a value");
    let (value, unit) = match value.strip_prefix("Duration::from_secs(") {
        Some(seconds) => (seconds.trim_end_matches(')'), 1_000),
        None => (value, 1),
    };
    let factors = value.split('*').map(|factor| factor.trim().replace('_', ""));
    factors.map(|factor| factor.parse::<i64>().unwrap_or_else(|_| panic!("{name} is {value}"))).product::<i64>() * unit
}

#[test]
fn each_number_of_the_page_is_that_of_the_code() {
    let page = page();
    for (before, unit, source, name) in STATED {
        assert_eq!(stated(&page, before) * unit, constant(source, name), "{before}… and {name}");
    }
    // On both ways.
    assert_eq!(stated(&page, "of the earlier probes count as "), 2 * constant(CLOCK, "DRIFT_PPM"));
    let limits = Limits::default();
    let count = |number: usize| i64::try_from(number).expect("it is small");
    for (before, number) in [
        ("that was no leave (G11) | ", limits.grace_ms),
        ("| the `yield` of a replaced holder (G7) | ", limits.yield_ms),
        ("2.75 × `idle_ms`: ", Timing::of_heartbeat(2_000).lost_after_ms(false)),
        ("| devices in the list | ", count(limits.devices)),
        ("| entries of the queue | ", count(limits.queue_items)),
        ("`tracks` alone | `invalid`: more than ", count(limits.queue_items)),
        ("list of at most ", count(limits.tracks_per_command)),
        ("more `tracks` than `limits.tracks` (", count(limits.tracks_per_command)),
        ("`name`: 1 to ", count(NAME_CHARS)),
    ] {
        assert_eq!(stated(&page, before), number, "{before}…");
    }
}

/// The rows below the heading of a table with this first line: their first two cells.
fn cells(first: &str) -> Vec<(&'static str, &'static str)> {
    let table = PAGE.split_once(first).unwrap_or_else(|| panic!("there is no table {first}")).1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let row = |line: &'static str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        cells.next().zip(cells.next()).expect("two cells")
    };
    rows.map(row).collect()
}

/// `protocol` shows that the core sends the `welcome` of the page.
#[test]
fn the_table_of_limits_is_that_of_a_welcome() {
    let welcome = PAGE.lines().find_map(|line| line.split_once(r#" < {"type":"welcome""#)).expect("one is shown").1;
    let welcome: Value = serde_json::from_str(&format!(r#"{{"type":"welcome"{welcome}"#)).expect("JSON");
    let sent = welcome["limits"].as_object().expect("limits");
    let rows = cells("| field | by default | meaning |");
    let stated: Vec<(String, String)> =
        rows.into_iter().map(|(field, number)| (field.trim_matches('`').to_owned(), number.to_owned())).collect();
    let mut sent: Vec<(String, String)> =
        sent.iter().map(|(field, number)| (field.clone(), number.to_string())).collect();
    let place = |field: &str| stated.iter().position(|(known, _)| known == field);
    sent.sort_by_key(|(field, _)| place(field));
    assert_eq!(stated, sent);
}

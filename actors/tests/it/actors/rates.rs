//! The table of rate limits in `PROTOCOL.md`, row by row and at its edges: a whole burst right after the `hello` passes,
//! then as many messages as the rate gives back; one more does what the page says.

use super::{Device, Node, pass};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::messages::RejectCode;
use segue_actors::protocol::wire::ServerMessage;
use segue_actors::socket::Incoming;

const PAGE: &str = include_str!("../../../PROTOCOL.md");

/// What a message gets that finds its bucket empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Rejected,
    Unanswered,
    Ended,
}

/// A kind of messages: what one beyond the limit gets, and the message of a number.
type Kind = (Over, fn(u64) -> Incoming);

fn text(frame: impl Into<String>) -> Incoming {
    Incoming::Text(frame.into())
}

fn command(id: u64, op: &str) -> Incoming {
    text(format!(r#"{{"type":"command","id":"{:016x}",{op}}}"#, id + 0x1000))
}

/// The messages of a row, by its first cell.
fn kinds(cell: &str) -> Vec<Kind> {
    match cell {
        "commands" => vec![
            (Over::Rejected, |id| command(id, r#""op":"repeat","mode":"all""#)),
            (Over::Rejected, |id| command(id, r#""op":"volume","device_id":"0000000000000001","muted":true"#)),
        ],
        "`play.list`" => vec![(Over::Rejected, |id| command(id, r#""op":"play.list","list":{"of":"saved"}"#))],
        "`seek`, `volume` (a command with `level`, or a change made on the device)" => vec![
            (Over::Rejected, |id| command(id, &format!(r#""op":"seek","position_ms":{id}"#))),
            (Over::Rejected, |id| {
                command(id, &format!(r#""op":"volume","device_id":"0000000000000001","level":{}"#, id % 101))
            }),
            (Over::Ended, |id| text(format!(r#"{{"type":"volume","level":{},"version":0}}"#, id % 101))),
        ],
        "`queue`" => vec![(Over::Unanswered, |_| text(r#"{"type":"queue","from":0,"limit":10}"#))],
        "`time`" => vec![(Over::Unanswered, |id| text(format!(r#"{{"type":"time","client_us":{id}}}"#)))],
        "anything else, WebSocket pings and pongs included" => vec![
            (Over::Ended, |_| text(r#"{"type":"pong"}"#)),
            (Over::Ended, |_| text(r#"{"type":"tomorrow"}"#)),
            (Over::Ended, |_| Incoming::Control),
            (Over::Ended, |id| if id % 2 == 0 { Incoming::Control } else { text(r#"{"type":"pong"}"#) }),
        ],
        other => panic!("this test cannot send: {other}"),
    }
}

/// The rows: the first cell, the messages per second, and the burst.
fn rows() -> Vec<(&'static str, u64, u64)> {
    let table = PAGE.split("| what | per second | burst |\n|---|---|---|\n").nth(1).expect("the table is there");
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [what, per_s, burst] = cells[..] else { panic!("a row has three cells: {line}") };
        (what, per_s.parse().expect("a number"), burst.parse().expect("a number"))
    };
    table.lines().take_while(|line| line.starts_with('|')).map(row).collect()
}

/// A device that has said nothing but its `hello` and a command that makes a track current, if that is `needed`.
async fn fresh(node: &Node, needs_track: bool) -> Device {
    let mut device = node.join("anna", "Kitchen", 1).await;
    if needs_track {
        device.play(1, &[1, 2]);
        device.settle().await;
        device.take_rest();
    }
    device
}

async fn send(device: &mut Device, kind: Kind, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| device.feed(kind.1(number)));
    device.settle().await;
}

/// The answers to messages, and the refused commands.
fn answers(device: &mut Device) -> (u64, u64) {
    let (mut answered, mut refused) = (0, 0);
    for message in device.take_rest() {
        match message {
            ServerMessage::Reject { code: RejectCode::RateLimited, retry_ms: Some(1..), .. } => refused += 1,
            // A command that is rejected for another reason was within the limit.
            ServerMessage::Ack { .. }
            | ServerMessage::Time { .. }
            | ServerMessage::Queue(_)
            | ServerMessage::Reject { code: RejectCode::Conflict, .. } => answered += 1,
            ServerMessage::Ping { .. } | ServerMessage::Goaway { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    (answered, refused)
}

#[actix::test]
async fn the_table_of_rates_is_true_at_its_edges() {
    tokio::time::pause();
    let rows = rows();
    assert_eq!(rows.len(), 6, "each class has a row");
    for (what, per_s, burst) in rows {
        for kind in kinds(what) {
            let needs_track = what.contains("`seek`");
            let node = Node::new();
            let mut device = fresh(&node, needs_track).await;
            send(&mut device, kind, 0..burst).await;
            assert_eq!(device.line.closed(), None, "a burst of {burst} right after the hello: {what}");
            pass(1_000).await;
            let end = burst + per_s;
            send(&mut device, kind, burst..end).await;
            assert_eq!(device.line.closed(), None, "after a second {per_s} more: {what}");
            send(&mut device, kind, end..end + 1).await;
            pass(200).await;
            device.settle().await;
            let (over, got) = (kind.0, answers(&mut device));
            let closed = (over == Over::Ended).then_some(CloseReason::Flooding);
            assert_eq!(device.line.closed(), closed, "one more: {what}");
            let expected = match over {
                Over::Rejected => (end, 1),
                Over::Unanswered => (end, 0),
                Over::Ended => (0, 0),
            };
            assert_eq!(got, expected, "answered and refused: {what}");

            // The same without a pause, up to twice the burst.
            let node = Node::new();
            let mut device = fresh(&node, needs_track).await;
            let most = if over == Over::Ended { burst } else { 2 * burst };
            send(&mut device, kind, 0..most).await;
            assert_eq!(device.line.closed(), None, "{most} at once: {what}");
            send(&mut device, kind, most..most + 1).await;
            assert_eq!(device.line.closed(), Some(CloseReason::Flooding), "{most} and one at once: {what}");
        }
    }
}

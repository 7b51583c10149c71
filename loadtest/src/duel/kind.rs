//! The servers that are compared, and how each is spoken to: pure.

use crate::drive::frame;
use clap::ValueEnum;
use serde::Deserialize;

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Kind {
    /// This project's
    Segue,
    /// A bare epoll forwarder that parses and serialises JSON
    Floor,
    /// The same without JSON
    Raw,
    /// npm `ws`
    Ws,
    /// Socket.IO
    Socketio,
    /// nginx with nchan
    Nchan,
}

/// What a text means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PeerMessage<'a> {
    /// The state, or a change of it: the instant of the report that it shows.
    State(i64),
    /// To be answered.
    Answer(&'static str),
    /// A command was accepted.
    Ack,
    /// A command was refused.
    Refused(&'a str),
    /// Of no interest here.
    Other,
}

/// One device of a user.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The user, from 0.
    pub(super) user: usize,
    /// The device of the user, from 0. The first publishes.
    pub(super) device: usize,
    /// How often it was connected before.
    pub(super) attempt: usize,
    /// The token of the user, for Segue.
    pub(super) token: &'a str,
}

/// From whom and what the first device of a user reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    lease: [u64; 2],
    turn: [u64; 2],
    item: String,
    /// The stamp of the `playback` that it was read from.
    seen: [u64; 2],
    /// The place of the last report in milliseconds, and its instant.
    place: Option<(i64, i64)>,
}

/// How far apart reports are from what a listener expects, in milliseconds.
const APART_MS: i64 = 1_000;

impl Seat {
    /// For servers that do not look at it.
    #[must_use]
    pub(super) fn invented() -> Self {
        let stamp = [1_700_000_000_000, 4];
        Self { lease: stamp, turn: stamp, item: "62f3f95a00000000".to_owned(), seen: stamp, place: None }
    }

    /// From a `playback` of Segue, once a device is active.
    #[must_use]
    pub(super) fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Active {
            lease: [u64; 2],
        }
        #[derive(Deserialize)]
        struct Item {
            id: String,
        }
        #[derive(Deserialize)]
        struct Playback {
            turn: [u64; 2],
            item: Option<Item>,
            active: Option<Active>,
            epoch: u64,
            revision: u64,
        }
        let playback: Playback = serde_json::from_str(text).ok()?;
        let (lease, seen) = (playback.active?.lease, [playback.epoch, playback.revision]);
        Some(Self { lease, turn: playback.turn, item: playback.item?.id, seen, place: None })
    }

    /// A report of this instant, about 200 bytes.
    fn report(&mut self, at_us: i64) -> String {
        let ([lease, lease_at], [turn, turn_at], item) = (self.lease, self.turn, &self.item);
        let [epoch, revision] = self.seen;
        // At least `APART_MS` from the place that is shown: the server shows no device a report that agrees with it.
        let by_itself = self.place.map_or(0, |(position_ms, since_us)| position_ms + (at_us - since_us) / 1_000);
        let near = |position_ms: i64| (position_ms - by_itself).abs() < APART_MS;
        let position_ms = Some(1_000 + at_us.rem_euclid(19_000)).filter(|place| !near(*place));
        let position_ms = position_ms.unwrap_or(by_itself + APART_MS);
        self.place = Some((position_ms, at_us));
        format!(
            r#"{{"type":"report","lease":[{lease},{lease_at}],"turn":[{turn},{turn_at}],"item":"{item}","position_ms":{position_ms},"at_us":{at_us},"status":"playing","seen":[{epoch},{revision}]}}"#
        )
    }
}

impl Kind {
    /// Its name in tables.
    #[must_use]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Segue => "Segue",
            Self::Floor => "epoll forwarder with JSON",
            Self::Raw => "epoll forwarder, no JSON",
            Self::Ws => "npm ws",
            Self::Socketio => "Socket.IO",
            Self::Nchan => "nginx nchan",
        }
    }

    /// The request for a socket. With `with_state` the first device of nchan hears what it publishes and the state;
    /// without, it only publishes, which is cheaper there.
    #[must_use]
    pub(super) fn request(self, host: &str, place: &Place<'_>, with_state: bool) -> String {
        let user = place.user;
        match self {
            Self::Segue => frame::request(host, place.token),
            Self::Floor | Self::Raw | Self::Ws => frame::upgrade(host, &format!("/groups/{user}"), ""),
            Self::Socketio => frame::upgrade(host, &format!("/socket.io/?EIO=4&transport=websocket&group={user}"), ""),
            Self::Nchan => {
                let role = if place.device > 0 || with_state { "member" } else { "publisher" };
                frame::upgrade(host, &format!("/{role}/{user}"), "")
            }
        }
    }

    /// What a device sends first.
    #[must_use]
    pub(super) fn greeting(self, place: &Place<'_>) -> Option<String> {
        let (user, device, attempt) = (place.user, place.device, place.attempt.saturating_add(1));
        (self == Self::Segue).then(|| {
            format!(
                r#"{{"type":"hello","device":{{"id":"d{user:07x}{device:08x}","instance":"e{user:07x}{device:08x}","name":"Device","kind":"computer","plays":true,"controls":true}},"attempt":{attempt}}}"#
            )
        })
    }

    /// A change that its group is to be shown.
    #[must_use]
    pub(super) fn change(self, seat: &mut Seat, at_us: i64) -> String {
        let report = seat.report(at_us);
        if self == Self::Socketio { format!(r#"42["change",{report}]"#) } else { report }
    }

    /// Whether a socket is sent a state even if nothing was published.
    #[must_use]
    pub(super) const fn greets(self) -> bool {
        !matches!(self, Self::Nchan)
    }

    /// What a text means.
    #[must_use]
    pub(super) fn hear(self, text: &str) -> PeerMessage<'_> {
        match self {
            Self::Segue if text.starts_with(r#"{"type":"ping""#) => PeerMessage::Answer(r#"{"type":"pong"}"#),
            Self::Segue if text.starts_with(r#"{"type":"ack""#) => PeerMessage::Ack,
            Self::Segue if ["reject", "goaway"].iter().any(|kind| named(text) == Some(kind)) => {
                PeerMessage::Refused(text)
            }
            // Engine.IO: "0" opens, "2" is a ping; Socket.IO: "40" joins.
            Self::Socketio if text.starts_with('0') => PeerMessage::Answer("40"),
            Self::Socketio if text == "2" => PeerMessage::Answer("3"),
            _ => at_us(text).map_or(PeerMessage::Other, PeerMessage::State),
        }
    }
}

/// The type of a message of Segue.
fn named(text: &str) -> Option<&str> {
    text.strip_prefix(r#"{"type":""#)?.split('"').next()
}

/// The instant of the report that a text shows.
fn at_us(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once(r#""at_us":"#)?;
    let digits = rest.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_client::protocol::wire::ClientMessage;

    const PLACE: Place<'_> = Place { user: 3, device: 1, attempt: 0, token: "t" };

    #[test]
    fn what_a_device_says_is_of_the_protocol() {
        let hello = Kind::Segue.greeting(&PLACE).expect("a hello");
        assert!(matches!(ClientMessage::decode(&hello), Ok(ClientMessage::Hello(_))), "{hello}");
        let report = Kind::Segue.change(&mut Seat::invented(), 1_700_000_000_080_000);
        assert!(matches!(ClientMessage::decode(&report), Ok(ClientMessage::Report(_))), "{report}");
        assert!((150..220).contains(&report.len()), "{}", report.len());
        assert_eq!(Kind::Ws.hear(&report), PeerMessage::State(1_700_000_000_080_000));
        assert_eq!(Kind::Ws.greeting(&PLACE), None);
    }

    #[test]
    fn each_report_is_news() {
        let mut seat = Seat::invented();
        let position = |text: String| {
            text.split_once(r#""position_ms":"#).and_then(|(_, rest)| rest.split(',').next()?.parse::<i64>().ok())
        };
        let (mut last, mut at_us) = (None, 1_700_000_000_000_000);
        for step in 0..20_000_i64 {
            at_us += 1 + step % 777 * 1_000;
            let now = position(seat.report(at_us)).expect("a place");
            assert!((0..30_000).contains(&now), "{now}");
            if let Some((before, since_us)) = last {
                let by_itself: i64 = before + (at_us - since_us) / 1_000;
                assert!((now - by_itself).abs() >= APART_MS, "{before} {now}");
            }
            last = Some((now, at_us));
        }
    }

    #[test]
    fn every_server_is_understood() {
        let playback = r#"{"type":"playback","epoch":7,"revision":6,"turn":[7,4],"item":{"id":"62"},"position_ms":0,"at_us":81,"rate":1,"active":{"device_id":"a1","lease":[7,5],"from_us":4}}"#;
        assert_eq!(Kind::Segue.hear(playback), PeerMessage::State(81));
        assert_eq!(
            Seat::read(playback),
            Some(Seat { lease: [7, 5], turn: [7, 4], item: "62".to_owned(), seen: [7, 6], place: None })
        );
        assert_eq!(Seat::read(r#"{"type":"playback","turn":[7,4],"at_us":81}"#), None);
        assert_eq!(Kind::Segue.hear(r#"{"type":"ping","now_us":1}"#), PeerMessage::Answer(r#"{"type":"pong"}"#));
        assert_eq!(Kind::Segue.hear(r#"{"type":"ack","id":"1"}"#), PeerMessage::Ack);
        let refused = r#"{"type":"reject","code":"busy"}"#;
        assert_eq!(Kind::Segue.hear(refused), PeerMessage::Refused(refused));
        assert_eq!(Kind::Segue.hear(r#"{"type":"devices","devices":[]}"#), PeerMessage::Other);
        assert_eq!(Kind::Socketio.hear(r#"0{"sid":"x"}"#), PeerMessage::Answer("40"));
        assert_eq!(Kind::Socketio.hear("2"), PeerMessage::Answer("3"));
        assert_eq!(Kind::Socketio.hear(r#"42["change",{"type":"state","at_us":0}]"#), PeerMessage::State(0));
        assert_eq!(Kind::Socketio.hear(r#"40{"sid":"x"}"#), PeerMessage::Other);
        assert!(Kind::Nchan.request("h", &Place { device: 0, ..PLACE }, false).starts_with("GET /publisher/3 "));
        assert!(Kind::Nchan.request("h", &PLACE, false).starts_with("GET /member/3 "));
    }
}

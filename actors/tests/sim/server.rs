//! The server's ends of the sockets: what comes in, rate-limited, and the watch over each one, driven as the
//! device's actors drive them.

use crate::hostile::BAD_TOKEN;
use crate::links::Slow;
use crate::shown::CLIENT_LIMITS;
use crate::world::{Down, Happening, Up, World};
use segue_actors::node::Timing;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ConnectionId, MediaId};
use segue_actors::protocol::messages::Op;
use segue_actors::protocol::playback::MediaKind;
use segue_actors::protocol::wire::{Hello, ServerMessage};
use segue_actors::socket::coalesce::Coalescer;
use segue_actors::socket::inbound::{Inbound, InboundAction, join};
use segue_actors::socket::liveness::{Liveness, LivenessAction};
use segue_actors::state::queue::Resolved;
use segue_actors::state::{DeviceEvent, Event, Leaving};

/// Devices that come back do so within this time.
pub(crate) const JITTER_MS: i64 = 500;
/// A socket that takes nothing for this long is closed.
const STUCK_MS: i64 = 10_000;
pub(crate) const TIMING: Timing = Timing::of_heartbeat(2_000);

/// The server's end of a socket.
pub(crate) struct Served {
    pub(crate) liveness: Liveness,
    timer_version: u64,
    has_joined: bool,
    inbound: Inbound,
    coalescer: Coalescer,
    /// What waits for a device that reads slowly.
    pub(crate) slow: Option<Slow>,
}

impl World {
    pub(crate) fn serve(&mut self, n: usize) -> Served {
        let now = self.server_now(n);
        Served {
            liveness: Liveness::new(TIMING, now),
            timer_version: 0,
            has_joined: false,
            inbound: Inbound::new(CLIENT_LIMITS.tracks),
            coalescer: Coalescer::default(),
            slow: None,
        }
    }

    // Sockets

    /// The node at which a socket ends.
    pub(crate) fn node_of(&self, id: u64) -> usize {
        self.sockets.get(&id).map_or(0, |socket| socket.node)
    }

    pub(crate) fn arrive_up(&mut self, id: u64, up: Up) {
        let n = self.node_of(id);
        let now = self.server_now(n);
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        match up {
            Up::Ended { is_clean } => self.detach(id, if is_clean { Leaving::Clean } else { Leaving::Lost(now) }),
            Up::Control if !served.inbound.may_ping(now) => self.close(id, CloseReason::Flooding),
            Up::Control => {
                let is_asked = served.liveness.hear(now);
                self.answer(id, is_asked);
            }
            Up::Message(message) => {
                let is_asked = served.liveness.hear(now);
                let action = served.inbound.decide(now, *message, served.has_joined);
                self.read(id, action);
                self.answer(id, is_asked);
            }
            Up::Raw(text) => {
                served.liveness.hear(now);
                let action = served.inbound.read(now, text, served.has_joined);
                self.read(id, action);
            }
        }
    }

    fn answer(&mut self, id: u64, is_asked: bool) {
        let is_served = self.sockets.get(&id).is_some_and(|socket| socket.served.is_some());
        if is_asked && is_served {
            self.note("pending join told apart");
            self.take_in(self.node_of(id), Event::Device { connection: ConnectionId(id), event: DeviceEvent::Alive });
        }
    }

    /// As the device's actor does.
    fn read(&mut self, id: u64, action: InboundAction) {
        let now = self.server_now(self.node_of(id));
        match action {
            InboundAction::Join(hello) if hello.token.as_deref() == Some(BAD_TOKEN) => {
                self.close(id, CloseReason::BadToken);
            }
            InboundAction::Join(hello) => self.greet(id, *hello),
            InboundAction::Time { client_us } => {
                let time = ServerMessage::Time { client_us, received_us: now, sent_us: now };
                self.send_down(id, Down::Frame(Box::new(time)));
            }
            InboundAction::Command(command) => {
                let listed: &[MediaId] =
                    if matches!(command.op, Op::PlayList { .. }) { &LISTED } else { command.op.tracks() };
                let tracks = listed.iter().map(|id| track(*id)).collect();
                let seed = self.chance.bits();
                self.say(id, DeviceEvent::command(*command, tracks, seed));
            }
            InboundAction::Pass(event) => self.say(id, event),
            InboundAction::Leave => self.detach(id, Leaving::Clean),
            InboundAction::Ignore => {}
            InboundAction::Answer(answer) => {
                if let ServerMessage::Reject { code, .. } = &answer {
                    self.note(&format!("reject {code:?}"));
                }
                self.send_down(id, Down::Frame(Box::new(answer)));
            }
            InboundAction::End(reason, _) => self.close(id, reason),
        }
    }

    fn greet(&mut self, id: u64, hello: Hello) {
        let n = self.node_of(id);
        if !self.attach(n, id) {
            return self.close(id, CloseReason::Shutdown);
        }
        if let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) {
            served.has_joined = true;
        }
        let random = self.number();
        let join = join(hello, ConnectionId(id), || random).expect("a good hello");
        self.take_in(n, Event::Join(Box::new(join)));
    }

    pub(crate) fn hello_due(&mut self, id: u64) {
        let served = self.sockets.get(&id).and_then(|socket| socket.served.as_ref());
        if served.is_some_and(|served| !served.has_joined) {
            self.close(id, CloseReason::NoHello);
        }
    }

    fn say(&mut self, id: u64, event: DeviceEvent) {
        let (n, connection) = (self.node_of(id), ConnectionId(id));
        let now = self.server_now(n);
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        let (due, handed) = (served.coalescer.next(), served.coalescer.take(now, event));
        let is_due = served.coalescer.next() != due;
        for event in handed {
            self.take_in(n, Event::Device { connection, event });
        }
        if is_due {
            self.schedule_timers(id);
        }
    }

    pub(crate) fn schedule_timers(&mut self, id: u64) {
        let clock_us = self.nodes[self.node_of(id)].clock_us;
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        served.timer_version += 1;
        let stuck_at = served.slow.as_ref().and_then(|slow| slow.stuck_since).map(|since| since.plus_ms(STUCK_MS));
        let dues = [stuck_at, served.coalescer.next(), Some(served.liveness.next())];
        let due = dues.into_iter().flatten().min().expect("its timers have a next instant");
        let (at, version) = (due.0 - clock_us, served.timer_version);
        self.at(at, Happening::Timer(id, version));
    }

    pub(crate) fn check_timers(&mut self, id: u64, version: u64) {
        let n = self.node_of(id);
        let now = self.server_now(n);
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        if served.timer_version != version {
            return;
        }
        let stuck_since = served.slow.as_ref().and_then(|slow| slow.stuck_since);
        if stuck_since.is_some_and(|since| now.since_ms(since) >= STUCK_MS) {
            self.note("write stuck");
            return self.close(id, CloseReason::Slow);
        }
        let released = served.coalescer.due(now);
        let action = served.liveness.check(now);
        for event in released {
            let is_many = event.commands().count() > 1;
            self.take_in(n, Event::Device { connection: ConnectionId(id), event });
            if is_many {
                self.note("several commands coalesced");
            }
        }
        match action {
            LivenessAction::Wait => {}
            LivenessAction::PingText => self.send_down(id, Down::Frame(Box::new(ServerMessage::Ping { now_us: now }))),
            LivenessAction::PingProtocol => self.send_down(id, Down::Ping),
            LivenessAction::Dead(heard) => {
                self.note("close dead");
                self.send_down(id, Down::Closed(Some(CloseReason::Dead.code())));
                self.detach(id, Leaving::Lost(heard));
                return;
            }
        }
        self.schedule_timers(id);
    }

    pub(crate) fn close(&mut self, id: u64, reason: CloseReason) {
        let Some(served) = self.sockets.get(&id).and_then(|socket| socket.served.as_ref()) else { return };
        let heard = served.liveness.heard();
        let takes_a_goaway = served.slow.as_ref().is_none_or(Slow::takes_a_goaway);
        self.note(&format!("close {}", reason.slug()));
        if takes_a_goaway {
            self.transmit(id, Down::Frame(Box::new(ServerMessage::goaway(reason, JITTER_MS))), 0);
        }
        self.send_down(id, Down::Closed(Some(reason.code())));
        self.detach(id, if reason.reconnect() { Leaving::SentAway(heard) } else { Leaving::Dismissed });
    }

    fn detach(&mut self, id: u64, how: Leaving) {
        let n = self.node_of(id);
        let Some(mut served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.take()) else { return };
        if self.nodes[n].session.is_some() && served.has_joined {
            for event in served.coalescer.flush() {
                self.take_in(n, Event::Device { connection: ConnectionId(id), event });
            }
            if let Some(session) = &mut self.nodes[n].session {
                session.devices.remove(&id);
            }
            self.take_in(n, Event::Leave { connection: ConnectionId(id), how });
        }
    }
}

/// The tracks of each list.
pub(crate) const LISTED: [MediaId; 4] = [MediaId(1), MediaId(2), MediaId(3), MediaId(4)];

/// A track's length follows from its id: 2 to 61 s.
pub(crate) fn track(media_id: MediaId) -> Resolved {
    let duration_ms = i64::try_from(media_id.0 % 60).expect("small") * 1_000 + 2_000;
    Resolved { media_id, kind: MediaKind::Track, duration_ms: Some(duration_ms) }
}

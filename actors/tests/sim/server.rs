//! The server's ends of the sockets: the real watch over each one's life, driven as the device's actors drive it.

use crate::world::{Down, Happening, Up, World};
use segue_actors::close::CloseReason;
use segue_actors::ids::{ConnectionId, DeviceId, MediaId};
use segue_actors::state::drags::Drags;
use segue_actors::state::liveness::{Beat, Liveness, Timing};
use segue_actors::state::messages::Command;
use segue_actors::state::playback::MediaKind;
use segue_actors::state::queue::Resolved;
use segue_actors::state::{Event, Join, Leaving, Said};
use segue_actors::wire::{ClientMessage, ServerMessage};

pub(crate) const TIMING: Timing = Timing::of_heartbeat(2_000);

/// The server's end of a socket.
pub(crate) struct Served {
    pub(crate) liveness: Liveness,
    beat_version: u64,
    has_joined: bool,
    drags: Drags,
}

impl World {
    pub(crate) fn serve(&mut self, n: usize) -> Served {
        let (now, chance) = (self.server_now(n), self.chance.bits());
        Served {
            liveness: Liveness::new(TIMING, now, chance),
            beat_version: 0,
            has_joined: false,
            drags: Drags::default(),
        }
    }

    // Sockets

    /// The node at which a socket ends.
    fn node_of(&self, id: u64) -> usize {
        self.sockets.get(&id).map_or(0, |socket| socket.node)
    }

    pub(crate) fn arrive_up(&mut self, id: u64, up: Up) {
        let n = self.node_of(id);
        let now = self.server_now(n);
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        match up {
            Up::Ended { is_clean } => self.detach(id, if is_clean { Leaving::Clean } else { Leaving::Lost(now) }),
            Up::Life => {
                let is_asked = served.liveness.hear(now);
                self.answer(id, is_asked);
            }
            Up::Said(message) => {
                let is_asked = served.liveness.hear(now);
                self.read(id, *message);
                self.answer(id, is_asked);
            }
        }
    }

    fn answer(&mut self, id: u64, is_asked: bool) {
        let is_served = self.sockets.get(&id).is_some_and(|socket| socket.served.is_some());
        if is_asked && is_served {
            self.note("newcomer told apart");
            self.take_in(self.node_of(id), Event::Said { connection: ConnectionId(id), said: Said::Alive });
        }
    }

    fn read(&mut self, id: u64, message: ClientMessage) {
        let (n, connection) = (self.node_of(id), ConnectionId(id));
        let said = match message {
            ClientMessage::Hello(hello) => {
                if let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) {
                    served.has_joined = true;
                }
                let spare_id = DeviceId(self.number());
                let device_id = hello.device.id.unwrap_or(spare_id);
                let (instance, lease, seen) = (hello.device.instance, hello.lease, hello.seen);
                let description = hello.device.description().expect("a good hello");
                self.attach(n, id);
                let join = Join { connection, device_id, spare_id, instance, description, lease, seen };
                self.take_in(n, Event::Join(Box::new(join)));
                return;
            }
            ClientMessage::Time { client_us } => {
                let now = self.server_now(n);
                let time = ServerMessage::Time { client_us, received_us: now, sent_us: now };
                self.send_down(id, Down::Frame(Box::new(time)));
                return;
            }
            ClientMessage::Bye(_) => {
                self.detach(id, Leaving::Clean);
                return;
            }
            ClientMessage::Command(command) => {
                let Command { id, if_item, if_queue_revision, if_lease, op } = *command;
                let tracks = op.tracks().iter().map(|id| track(*id)).collect();
                let op = op.with_tracks(tracks);
                let command = Box::new(Command { id, if_item, if_queue_revision, if_lease, op });
                Said::Command { command, seed: self.chance.bits(), others: Vec::new() }
            }
            ClientMessage::Report(report) => Said::Report(report),
            ClientMessage::Ready(ready) => Said::Ready(ready),
            ClientMessage::Yield(yielded) => Said::Yield(yielded),
            ClientMessage::Ended(ended) => Said::Ended(ended),
            ClientMessage::Volume(change) => Said::Volume(change),
            ClientMessage::Queue { from, limit } => Said::Queue { from, limit },
            ClientMessage::Pong | ClientMessage::Unknown | ClientMessage::BadCommand(..) => return,
        };
        let now = self.server_now(n);
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        let (due, handed) = (served.drags.next(), served.drags.take(now, said));
        let is_due = served.drags.next() != due;
        for said in handed {
            self.take_in(n, Event::Said { connection, said });
        }
        if is_due {
            self.schedule_beat(id);
        }
    }

    pub(crate) fn schedule_beat(&mut self, id: u64) {
        let clock_us = self.nodes[self.node_of(id)].clock_us;
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        served.beat_version += 1;
        let due = served.drags.next().map_or(served.liveness.next(), |due| due.min(served.liveness.next()));
        let (at, version) = (due.0 - clock_us, served.beat_version);
        self.at(at, Happening::Beat(id, version));
    }

    pub(crate) fn beat(&mut self, id: u64, version: u64) {
        let n = self.node_of(id);
        let now = self.server_now(n);
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        if served.beat_version != version {
            return;
        }
        let dragged = served.drags.due(now);
        let beat = served.liveness.beat(now);
        for said in dragged {
            let is_many = said.commands().count() > 1;
            self.take_in(n, Event::Said { connection: ConnectionId(id), said });
            if is_many {
                self.note("drag of several");
            }
        }
        match beat {
            Beat::Wait => {}
            Beat::PingText => self.send_down(id, Down::Frame(Box::new(ServerMessage::Ping { now_us: now }))),
            Beat::PingProtocol => self.send_down(id, Down::Ping),
            Beat::Dead(heard) => {
                self.note("close dead");
                self.send_down(id, Down::Closed(Some(CloseReason::Dead.code())));
                self.detach(id, Leaving::Lost(heard));
                return;
            }
        }
        self.schedule_beat(id);
    }

    pub(crate) fn close(&mut self, id: u64, reason: CloseReason) {
        let Some(served) = self.sockets.get(&id).and_then(|socket| socket.served.as_ref()) else { return };
        let heard = served.liveness.heard();
        self.note(&format!("close {}", reason.slug()));
        self.send_down(id, Down::Frame(Box::new(ServerMessage::goaway(reason, 500))));
        self.send_down(id, Down::Closed(Some(reason.code())));
        self.detach(id, if reason.reconnect() { Leaving::SentAway(heard) } else { Leaving::Dismissed });
    }

    fn detach(&mut self, id: u64, how: Leaving) {
        let n = self.node_of(id);
        let Some(mut served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.take()) else { return };
        if self.nodes[n].session.is_some() && served.has_joined {
            for said in served.drags.flush() {
                self.take_in(n, Event::Said { connection: ConnectionId(id), said });
            }
            if let Some(session) = &mut self.nodes[n].session {
                session.devices.remove(&id);
            }
            self.take_in(n, Event::Leave { connection: ConnectionId(id), how });
        }
    }
}

/// A track's length follows from its id: 2 to 61 s.
pub(crate) fn track(media_id: MediaId) -> Resolved {
    let duration_ms = i64::try_from(media_id.0 % 60).expect("small") * 1_000 + 2_000;
    Resolved { media_id, kind: MediaKind::Track, duration_ms: Some(duration_ms) }
}

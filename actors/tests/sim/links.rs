//! The links: sockets with both their ends and what is under way, and devices that read slowly (R10).

use crate::server::Served;
use crate::world::{Down, Happening, Up, World};
use segue_actors::node::FrameKind;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::Micros;
use segue_actors::protocol::wire::ServerMessage;
use segue_actors::socket::outbox::{OUTBOX_BYTES, Outbox};

/// A socket without `hello` for this long is closed.
const HELLO_US: i64 = 5_000_000;

/// One socket, with both its ends and what is under way.
pub(crate) struct Socket {
    /// Where it ends.
    pub(crate) node: usize,
    /// By how much the way up takes longer than the way down; negative: shorter.
    lean_us: i64,
    up_last: i64,
    down_last: i64,
    /// Nothing that is sent arrives any more.
    pub(crate) is_silent: bool,
    /// The server's end, while it has it.
    pub(crate) served: Option<Served>,
}

impl Socket {
    /// Whether all that was sent either way has arrived.
    pub(crate) fn has_arrived(&self, now: i64) -> bool {
        let slow = self.served.as_ref().and_then(|served| served.slow.as_ref());
        self.up_last.max(self.down_last) <= now && slow.is_none_or(Slow::takes_a_goaway)
    }
}

/// What the server holds back while the device at the other end reads slowly.
pub(crate) struct Slow {
    outbox: Outbox,
    /// A frame is on its way out, and no other is taken.
    is_blocked: bool,
    /// Since when the socket takes nothing.
    pub(crate) stuck_since: Option<Micros>,
    bytes_per_s: i64,
    until: i64,
}

impl Slow {
    pub(crate) fn takes_a_goaway(&self) -> bool {
        self.outbox.is_empty() && !self.is_blocked
    }

    /// How long the device takes to read this many bytes.
    fn reads_us(&self, now: i64, bytes: usize) -> i64 {
        let left_us = (self.until - now).max(0);
        let bytes = i64::try_from(bytes).expect("a frame is small");
        (bytes * 1_000_000).checked_div(self.bytes_per_s).unwrap_or(left_us).min(left_us)
    }
}

impl World {
    pub(crate) fn open_socket(&mut self) -> u64 {
        let id = self.number();
        let node = self.chance.below(self.nodes.len());
        let served = self.nodes[node].takes_sockets().then(|| self.serve(node));
        let is_up = served.is_some();
        let (up_last, down_last) = (self.now, self.now);
        let most_us = self.weather.delay_us;
        let lean_us = if self.chance.permille(500) { self.chance.between(-most_us, most_us) } else { 0 };
        self.sockets.insert(id, Socket { node, lean_us, up_last, down_last, is_silent: false, served });
        if is_up {
            self.schedule_timers(id);
            self.at(self.now + HELLO_US, Happening::HelloDue(id));
        }
        self.send_down(id, if is_up { Down::Opened } else { Down::Closed(None) });
        id
    }

    fn delay_us(&mut self) -> i64 {
        let spike_us = if self.is_busy() && self.chance.permille(8) { self.chance.between(0, 3_000_000) } else { 0 };
        self.weather.delay_us + self.chance.between(0, self.weather.jitter_us) + spike_us
    }

    pub(crate) fn send_up(&mut self, id: u64, up: Up) {
        let up = self.said(id, up);
        let arrives = self.now + self.delay_us();
        let Some(socket) = self.sockets.get_mut(&id).filter(|socket| !socket.is_silent) else { return };
        socket.up_last = socket.up_last.max(arrives + socket.lean_us);
        let at = socket.up_last;
        self.at(at, Happening::Up(id, up));
    }

    pub(crate) fn send_down(&mut self, id: u64, down: Down) {
        match self.told(id, down) {
            Some(Down::Frame(message)) if self.slow(id).is_some() => self.hold(id, &message),
            Some(down) => _ = self.transmit(id, down, 0),
            None => {}
        }
    }

    /// Sends it on its way, to be read within so long once it is there; when it will have been.
    pub(crate) fn transmit(&mut self, id: u64, down: Down, reads_us: i64) -> Option<i64> {
        let arrives = self.now + self.delay_us();
        let socket = self.sockets.get_mut(&id).filter(|socket| !socket.is_silent)?;
        socket.down_last = socket.down_last.max(arrives - socket.lean_us) + reads_us;
        let at = socket.down_last;
        self.at(at, Happening::Down(id, down));
        Some(at)
    }

    // Devices that read slowly

    pub(crate) fn slow(&mut self, id: u64) -> Option<&mut Slow> {
        self.sockets.get_mut(&id)?.served.as_mut()?.slow.as_mut()
    }

    pub(crate) fn reads_slowly(&mut self, id: u64) {
        let bytes_per_s = self.chance.pick(&[0, 100, 500, 2_000]);
        let until = self.now + self.chance.between(1_000_000, 40_000_000);
        let (outbox, is_blocked, stuck_since) = (Outbox::default(), false, None);
        if let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) {
            served.slow.get_or_insert(Slow { outbox, is_blocked, stuck_since, bytes_per_s, until });
        }
    }

    /// As the device's actor does.
    fn hold(&mut self, id: u64, message: &ServerMessage) {
        let kind = match message {
            ServerMessage::Playback(_) => FrameKind::Playback,
            ServerMessage::Devices(_) => FrameKind::Devices,
            _ => FrameKind::Other,
        };
        let Some(slow) = self.slow(id) else { return };
        let is_full = slow.outbox.push(kind, message.encode().into()).is_err();
        assert!(slow.outbox.bytes() <= OUTBOX_BYTES, "{} bytes wait for a socket", slow.outbox.bytes());
        if is_full {
            self.note("outbox full");
            // Through the socket's actor: the session's current step is not interrupted.
            self.at(self.now, Happening::Close(id, CloseReason::Slow));
        }
        self.drain(id);
    }

    fn drain(&mut self, id: u64) {
        let (now, Some(socket)) = (self.now, self.sockets.get(&id)) else { return };
        let now_us = self.server_now(socket.node);
        while let Some(slow) = self.slow(id) {
            let Some(frame) = slow.outbox.first() else {
                slow.stuck_since = None;
                if slow.until <= now {
                    self.note("slow device has read all");
                    self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()).expect("it is slow").slow =
                        None;
                }
                return;
            };
            if slow.is_blocked {
                if slow.stuck_since.is_none() {
                    slow.stuck_since = Some(now_us);
                    self.schedule_timers(id);
                }
                return;
            }
            slow.outbox.pop();
            let reads_us = slow.reads_us(now, frame.len());
            slow.is_blocked = reads_us > 0;
            let message = ServerMessage::decode(&frame).expect("it was encoded");
            let read_at = self.transmit(id, Down::Frame(Box::new(message)), reads_us);
            if let Some(at) = read_at.filter(|_| reads_us > 0) {
                self.at(at, Happening::Writable(id));
            }
        }
    }

    pub(crate) fn writable(&mut self, id: u64) {
        if let Some(slow) = self.slow(id) {
            slow.is_blocked = false;
            self.drain(id);
        }
    }

    /// The link breaks: both ends learn of it, or neither.
    pub(crate) fn break_link(&mut self, id: u64, is_noticed: bool) {
        if is_noticed {
            self.send_up(id, Up::Ended { is_clean: false });
            self.send_down(id, Down::Closed(None));
        }
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.is_silent = true;
        }
    }
}

//! The client's rules, pure: the counterpart of the session's. When to sound, when to fall silent, what to report, how
//! to compute the server's time, how to connect again. Time is the client's own steady clock in microseconds.
//!
//! The server sends the wanted state, not orders: each `playback` is compared with what the audio does, and the audio
//! is corrected.

mod audio;
mod clock;
mod link;
mod obey;
mod pending_commands;
mod transfer;
mod volume;

pub use audio::Audio;
pub use clock::ServerTime;
use link::Farewell;
pub use link::Link;

use crate::protocol::device::{DeviceList, HelloDevice, Volume};
use crate::protocol::ids::{ClockId, CommandId, DeviceId, InstanceId, ItemId, MediaId, Micros, Stamp};
use crate::protocol::messages::{ByeReason, Ended, Op, RejectCode};
use crate::protocol::playback::{Item, Playback};
use crate::protocol::wire::{ClientLimits, ClientMessage, QueuePage, ServerMessage};
use pending_commands::PendingCommands;
use transfer::{Prepared, Promise};

/// What happens to a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The socket that [`Output::Connect`] asked for is open.
    Opened,
    /// The socket has ended, or could not be opened; the close code, if one was received.
    Closed(Option<u16>),
    /// A message of the server was received.
    Frame(Box<ServerMessage>),
    /// A person or program gives a command; `id` is random.
    Command(CommandId, Op<MediaId>),
    /// The audio that was started sounds from this place on.
    Started {
        /// Which item.
        item: Item,
        /// Where it began, in milliseconds.
        position_ms: i64,
    },
    /// The item of [`Output::Prepare`] is loaded and could sound at once.
    Prepared(ItemId),
    /// Audio ran out or is not ready yet.
    Stalled,
    /// The platform refuses sound.
    Blocked,
    /// The item cannot be played.
    Failed,
    /// The audio came to the end of its item.
    Finished,
    /// A screen asks for a part of the queue.
    Look {
        /// First entry, from 0.
        from: usize,
        /// At most this many.
        limit: usize,
    },
    /// The volume was changed on this device itself.
    Volume {
        /// 0 to 100.
        level: u8,
        /// Whether it is muted.
        muted: bool,
    },
    /// The machine woke up from sleep, or the network is back: frames that were under way may be lost.
    Wake,
    /// The program ends: silence, a `bye` to the server, and no further connection.
    Leave(ByeReason),
    /// The instant of [`Client::next_deadline`] has come.
    Tick,
}

/// What the program around the client has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Open a socket.
    Connect,
    /// Close the socket.
    Disconnect,
    /// Send this message.
    Send(ClientMessage),
    /// Play this item from this place (milliseconds) on, instead of what sounds now; it may have been prepared.
    Sound(Item, i64),
    /// Load this item for this place (milliseconds), without a sound.
    Prepare(Item, i64),
    /// Be silent at once, and drop what was prepared.
    Silence,
    /// A command was answered: the revision it made, or why it changed nothing.
    Answered(CommandId, Result<u64, (RejectCode, String)>),
    /// A page of the queue came.
    Queue(QueuePage),
    /// Set the volume of the audio.
    Volume(Volume),
    /// What is shown has changed.
    Show,
    /// The server closed the socket for good: the close code, and its text for people.
    GiveUp(u16, String),
}

/// The protocol state of one device.
#[derive(Debug, Clone)]
pub struct Client {
    device: HelloDevice,
    token: Option<String>,
    limits: ClientLimits,
    link: Link,
    clock_id: Option<ClockId>,
    time: ServerTime,
    playback: Option<Playback>,
    devices: Option<DeviceList>,
    audio: Audio,
    /// The lease and turn that the audio carries out.
    carried: Option<(Stamp, Stamp)>,
    /// An `ended` that no `playback` shows yet.
    ended: Option<Ended>,
    ended_due: i64,
    /// What this device has loaded as the target of a transfer.
    prepared: Option<Prepared>,
    /// The silence that this device has promised as the source of a transfer.
    promise: Option<Promise>,
    report_due: Option<i64>,
    pending_commands: PendingCommands,
}

impl Client {
    /// A client that has never connected. `token` goes into the `hello` where no header carries it.
    #[must_use]
    pub fn new(device: HelloDevice, token: Option<String>, local_us: i64) -> Self {
        Self {
            device,
            token,
            limits: link::FIRST_LIMITS,
            link: Link::down(local_us),
            clock_id: None,
            time: ServerTime::default(),
            playback: None,
            devices: None,
            audio: Audio::Silent,
            carried: None,
            ended: None,
            ended_due: local_us,
            prepared: None,
            promise: None,
            report_due: None,
            pending_commands: PendingCommands::default(),
        }
    }

    /// Applies one input at `local_us`; `chance` is random and used for waits alone.
    pub fn step(&mut self, local_us: i64, chance: u64, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Opened => self.greet(local_us, outputs),
            Input::Closed(code) => self.closed(local_us, chance, code, outputs),
            Input::Frame(message) => self.hear(local_us, *message, outputs),
            Input::Command(id, op) => self.command(local_us, id, op, outputs),
            Input::Started { item, position_ms } => {
                if self.audio.item().is_some_and(|loaded| loaded.id == item.id) {
                    self.audio = Audio::Sounding { item, position_ms, since_us: local_us, rate: self.rate() };
                    self.report(local_us, outputs);
                }
            }
            Input::Prepared(item) => self.is_prepared(local_us, item, outputs),
            Input::Stalled => self.interrupted(local_us, false, outputs),
            Input::Blocked => self.interrupted(local_us, true, outputs),
            Input::Failed => {
                if let Some(item) = self.audio.item() {
                    self.audio = Audio::Failed { item };
                    self.report(local_us, outputs);
                }
            }
            Input::Finished => self.finished(local_us, outputs),
            Input::Look { from, limit } if self.link.is_welcomed() => {
                outputs.push(Output::Send(ClientMessage::Queue { from, limit }));
            }
            Input::Look { .. } => {}
            Input::Volume { level, muted } => self.turn_volume(level, muted, outputs),
            Input::Wake => self.wake(local_us, chance, outputs),
            Input::Leave(reason) => self.leave(reason, outputs),
            Input::Tick => self.tick(local_us, chance, outputs),
        }
    }

    fn hear(&mut self, local_us: i64, message: ServerMessage, outputs: &mut Vec<Output>) {
        self.link.hear(local_us);
        match message {
            ServerMessage::Welcome(welcome) => {
                if self.clock_id != Some(welcome.clock_id) {
                    self.clock_id = Some(welcome.clock_id);
                    self.time.restart(local_us, welcome.now_us);
                    self.ask_time_anew(local_us, outputs);
                    // An instant of the other clock means nothing in this one.
                    self.promise = None;
                }
                self.limits = welcome.limits;
                self.link.sent_at(welcome.now_us);
                self.renew(local_us);
                self.device.id = Some(welcome.device_id);
                self.welcomed(local_us, welcome.jitter_ms, outputs);
                self.listed(welcome.devices, outputs);
                self.correct_volume(outputs);
                self.ended_due = local_us;
                self.shown(local_us, welcome.playback, outputs);
                self.resend_all(local_us, outputs);
            }
            ServerMessage::Playback(playback) => {
                let known = self.playback.as_ref().map(Playback::stamp);
                if known.is_none_or(|known| known <= playback.stamp()) {
                    let is_new_epoch = known.is_some_and(|known| known.epoch < playback.epoch);
                    self.shown(local_us, *playback, outputs);
                    if is_new_epoch {
                        self.resend_all(local_us, outputs);
                    }
                }
            }
            ServerMessage::Devices(devices) => {
                if self.devices.as_ref().is_none_or(|known| known.stamp() < devices.stamp()) {
                    self.listed(devices, outputs);
                    outputs.push(Output::Show);
                }
            }
            ServerMessage::Queue(page) => outputs.push(Output::Queue(page)),
            ServerMessage::Time { client_us, received_us, sent_us } => {
                let was_unknown = self.time.bound_us().is_none();
                let was_allowed = self.is_allowed(local_us);
                self.time.learn(client_us, received_us, sent_us, local_us);
                // Before the `welcome` it is unknown whose clock this is.
                if self.link.is_welcomed() {
                    self.link.sent_at(sent_us);
                    self.renew(local_us);
                }
                if (was_unknown || !was_allowed) && self.link.is_welcomed() {
                    self.obey(local_us, outputs);
                } else {
                    self.report_if_clock_was_wrong(local_us, outputs);
                }
                self.probe_again(local_us, outputs);
            }
            ServerMessage::Ping { now_us } => {
                outputs.push(Output::Send(ClientMessage::Pong));
                if self.link.is_welcomed() {
                    let was_allowed = self.is_allowed(local_us);
                    self.link.sent_at(now_us);
                    self.renew(local_us);
                    if !was_allowed {
                        self.obey(local_us, outputs);
                    }
                }
            }
            ServerMessage::Ack { id, revision, .. } => self.answered(id, Ok(revision), outputs),
            ServerMessage::Reject { id, code, message, retry_ms } => {
                self.refused(local_us, id, retry_ms, (code, message), outputs);
            }
            ServerMessage::Goaway { code, reason, jitter_ms, retry_ms, .. } => {
                self.link.sent_away(Farewell { code, reason, retry_ms: retry_ms.unwrap_or(0) }, jitter_ms);
            }
            // For screens that show what the user keeps, which these rules do not.
            ServerMessage::Library(_) | ServerMessage::Unknown => {}
        }
    }

    // What screens show

    /// What plays, as it was last shown.
    #[must_use]
    pub const fn playback(&self) -> Option<&Playback> {
        self.playback.as_ref()
    }

    /// The device list, as it was last shown.
    #[must_use]
    pub const fn devices(&self) -> Option<&DeviceList> {
        self.devices.as_ref()
    }

    /// The place in the item at `local_us`, as every screen shows it.
    #[must_use]
    pub fn position_at(&self, local_us: i64) -> Option<i64> {
        self.playback.as_ref().map(|shown| shown.position_at(self.time.at(local_us)))
    }

    /// The server's time.
    #[must_use]
    pub const fn time(&self) -> &ServerTime {
        &self.time
    }

    /// The volume of this device, if it is known.
    #[must_use]
    pub const fn volume(&self) -> Option<Volume> {
        self.device.volume
    }

    /// The connection.
    #[must_use]
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// What this device's audio does.
    #[must_use]
    pub const fn audio(&self) -> &Audio {
        &self.audio
    }

    /// The id of this device, once it was welcomed.
    #[must_use]
    pub const fn device_id(&self) -> Option<DeviceId> {
        self.device.id
    }

    /// This instance of the device.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        self.device.instance
    }

    /// Whether this device holds the lease.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.lease().is_some()
    }

    fn lease(&self) -> Option<Stamp> {
        let id = self.device.id?;
        let active = self.playback.as_ref()?.active?;
        active.is(id, self.device.instance).then_some(active.lease)
    }

    /// When [`Input::Tick`] is due, in the client's own time.
    #[must_use]
    pub fn next_deadline(&self) -> i64 {
        let report = self.report_due.filter(|_| self.link.is_welcomed());
        let ended = self.ended.filter(|_| self.link.is_welcomed()).map(|_| self.ended_due);
        let due = [self.silent_at(), self.switch_due(), self.promise_due(), self.resend_due()];
        [Some(self.link_deadline()), report, ended].into_iter().chain(due).flatten().min().unwrap_or(i64::MAX)
    }

    fn server_now(&self, local_us: i64) -> Micros {
        self.time.at(local_us)
    }
}

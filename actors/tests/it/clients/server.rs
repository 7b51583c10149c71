//! The session of the clients' world, as a node carries it out without a network.

use super::{Trouble, World, track};
use segue_actors::protocol::ids::{ClockId, ConnectionId, DeviceId, NodeId};
use segue_actors::protocol::messages::Command;
use segue_actors::protocol::wire::{ClientMessage, Library, ServerMessage, Welcome};
use segue_actors::state::devices::Description;
use segue_actors::state::queue::Queue;
use segue_actors::state::{DeviceEvent, Effect, Event, Join, Leaving, Record, SessionState};
use segue_client::Input;
use std::sync::Arc;

impl World {
    pub(super) fn event(&mut self, event: Event) {
        let before = self.state.shown();
        let mut effects = Vec::new();
        let now = self.server_now();
        self.state.step(now, event, &mut effects);
        self.state.check().expect("the invariants hold");
        let welcomed: Vec<ConnectionId> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Welcome(connection, _) => Some(*connection),
                _ => None,
            })
            .collect();
        let knower = self.own_reports.knower(before.playback, self.state.shown().playback, &effects);
        self.fan_out(before, &welcomed, knower);
        for effect in effects {
            self.release(effect);
        }
    }

    fn fan_out(&mut self, before: segue_actors::state::Shown, but: &[ConnectionId], knower: Option<ConnectionId>) {
        let shown = self.state.shown();
        if shown.devices != before.devices {
            self.lists.push(self.state.record().device_list().devices);
        }
        for device in &mut self.devices {
            let Some(connection) = device.connection else { continue };
            let is_kept_out = device.trouble == Some(Trouble::IsNeverWelcome);
            if is_kept_out || but.contains(&connection) || self.state.devices().by_connection(connection).is_none() {
                continue;
            }
            if shown.playback != before.playback && knower != Some(connection) {
                device.down.push_back(ServerMessage::Playback(Box::new(self.state.playback().clone())));
            }
            if shown.devices != before.devices {
                device.down.push_back(ServerMessage::Devices(self.state.record().device_list()));
            }
        }
    }

    fn release(&mut self, effect: Effect) {
        let (now_us, clock_id) = (self.server_now(), self.clock);
        let record = self.state.record().clone();
        let is_probe = matches!(effect, Effect::Probe(_));
        let (connection, message) = match effect {
            Effect::Commit(_) | Effect::OwnReport(_) | Effect::Played(_) | Effect::ShowAll(_) => return,
            Effect::Probe(connection) => (connection, ServerMessage::Ping { now_us }),
            Effect::Close(connection, reason) => (connection, ServerMessage::goaway(reason, 0)),
            Effect::Welcome(connection, device_id) => {
                let playback = record.playback.clone();
                let devices = record.device_list();
                let limits = self.limits;
                let library = Library::default();
                let welcome = Welcome { device_id, now_us, clock_id, jitter_ms: 0, limits, playback, devices, library };
                (connection, ServerMessage::Welcome(Box::new(welcome)))
            }
            Effect::Ack(connection, id, revision) => {
                (connection, ServerMessage::Ack { id, revision, queue_length: None })
            }
            Effect::Reject(connection, id, reject) => (connection, reject.answer(id)),
            Effect::ShowPlayback(connection) => {
                self.own_reports.sent_again(connection, record.playback.stamp());
                (connection, ServerMessage::Playback(Box::new(record.playback.clone())))
            }
            Effect::ShowDevices(connection) => (connection, ServerMessage::Devices(record.device_list())),
            Effect::ShowQueue(connection, from, limit) => {
                (connection, ServerMessage::Queue(self.state.queue().page(&record.playback, from, limit)))
            }
        };
        if let Some(device) = self.devices.iter_mut().find(|device| device.connection == Some(connection))
            && !(device.trouble == Some(Trouble::LosesAcks) && matches!(message, ServerMessage::Ack { .. }))
            && device.trouble != Some(Trouble::IsNeverWelcome)
        {
            device.is_asked |= is_probe;
            device.down.push_back(message);
        }
    }

    /// What a client says reaches the session, as the device's actor would hand it on.
    pub(super) fn arrive(&mut self, index: usize, message: &ClientMessage) {
        // The messages are those of the wire.
        let message = ClientMessage::decode(&message.encode()).expect("a client writes what a server reads");
        let Some(connection) = self.devices[index].connection else { return };
        let event = match message {
            ClientMessage::Hello(hello) => {
                let spare_id = DeviceId(self.number());
                let device_id = hello.device.id.unwrap_or(spare_id);
                let (instance, seen, attempt) = (hello.device.instance, hello.seen, hello.attempt);
                let description = Description::of(hello.device).expect("a good hello");
                let join = Join { connection, device_id, spare_id, instance, description, seen, attempt };
                self.event(Event::Join(Box::new(join)));
                return;
            }
            ClientMessage::Time { client_us } => {
                let (there_ms, back_ms) = match self.devices[index].trouble {
                    Some(Trouble::IsLopsided(there_ms)) => (there_ms, 1_000 - there_ms),
                    _ => (0, 0),
                };
                // No time passes here: what the ways take is taken off the server's instants.
                let now = self.server_now();
                let (received_us, sent_us) = (now.plus_ms(there_ms), now.plus_ms(-back_ms));
                let time = ServerMessage::Time { client_us, received_us, sent_us };
                self.devices[index].down.push_back(time);
                return;
            }
            ClientMessage::Bye { .. } => {
                self.devices[index].connection = None;
                self.event(Event::Leave { connection, how: Leaving::Clean });
                return;
            }
            ClientMessage::Command(command) => {
                let Command { id, if_item, if_queue_revision, if_lease, op } = *command;
                let tracks = op.tracks().iter().map(|id| track(*id)).collect();
                let op = op.with_tracks(tracks);
                let command = Box::new(Command { id, if_item, if_queue_revision, if_lease, op });
                DeviceEvent::Command { command, seed: 5, others: Vec::new() }
            }
            ClientMessage::Report(report) => DeviceEvent::Report(report),
            ClientMessage::Ready(ready) => DeviceEvent::Ready(ready),
            ClientMessage::Yield(_) if self.devices[index].trouble == Some(Trouble::LosesYields) => return,
            ClientMessage::Yield(yielded) => DeviceEvent::Yield(yielded),
            ClientMessage::Ended(ended) => DeviceEvent::Ended(ended),
            ClientMessage::Volume(change) => DeviceEvent::Volume(change),
            ClientMessage::Queue { from, limit } => DeviceEvent::Queue { from, limit },
            ClientMessage::Pong if std::mem::take(&mut self.devices[index].is_asked) => DeviceEvent::Alive,
            ClientMessage::Pong | ClientMessage::Unknown | ClientMessage::BadCommand { .. } => return,
        };
        self.event(Event::Device { connection, event });
    }

    /// The node ends without a word and starts again from what it had written.
    pub(super) fn restart(&mut self) {
        self.start_over(self.written());
    }

    /// What a database holds that has everything.
    pub(super) fn written(&self) -> (Record, Arc<Queue>) {
        (Record::clone(self.state.record()), self.state.queue().clone())
    }

    /// A new run of the server, over what was written once.
    pub(super) fn start_over(&mut self, written: (Record, Arc<Queue>)) {
        for device in &mut self.devices {
            (device.connection, device.up, device.down) = Default::default();
        }
        let (node, now) = (NodeId(self.number()), self.server_now());
        self.clock = ClockId(self.number());
        self.state = SessionState::load(now, written, node, Some(now), 0, self.session_limits);
        for index in 0..self.devices.len() {
            self.input(index, Input::Closed(None));
        }
    }
}

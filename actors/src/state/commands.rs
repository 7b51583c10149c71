//! Commands (R4): preconditions, then the operation. A rejected command changes nothing.

use super::devices::PendingAction;
use super::queue::Resolved;
use super::{At, Author, Durability, Effect, SessionState};
use crate::protocol::close::CloseReason;
use crate::protocol::device::{Volume, is_name};
use crate::protocol::ids::{CommandId, DeviceId, InstanceId};
use crate::protocol::messages::{Command, Op, RejectCode};
use crate::protocol::playback::{By, Intent, Item, Status};
use crate::state::Reject;
use crate::state::queue::place;
use crate::state::reject::CommandResult;

/// At a position below this, in milliseconds, `previous` goes to the item before; later to the start of the current
/// item.
const PREVIOUS_MS: i64 = 3_000;

impl SessionState {
    /// `others` are earlier commands that were coalesced into `command`: they get its answer, unless they had one
    /// before.
    pub(super) fn command(
        &mut self,
        at: At,
        author: Author,
        (command, others): (&Command<Resolved>, &[CommandId]),
        seed: u64,
        effects: &mut Vec<Effect>,
    ) {
        let (connection, device) = (author.connection(), author.device().map(|sender| sender.device_id));
        let all = || others.iter().copied().chain([command.id]);
        let answered = |state: &Self, id| state.record.devices.answer_to(device?, id);
        if let Some(revision) = answered(self, command.id) {
            // Coalesced commands without an answer get the revision of the command that stands for them.
            let overtaken: Vec<CommandId> = all().filter(|id| answered(self, *id).is_none()).collect();
            if let Some(device_id) = device.filter(|_| !overtaken.is_empty()) {
                self.touch(at);
                for id in overtaken {
                    self.edit().devices.remember(device_id, id, revision);
                }
                effects.push(Effect::Commit(Durability::Now));
            }
            let acks = all().map(|id| Effect::Ack(connection, id, answered(self, id).unwrap_or(revision)));
            effects.extend(acks);
            return;
        }
        let mut next = self.clone();
        let mut wanted = Vec::new();
        match next.carry_out(at, author, command, seed, &mut wanted) {
            Ok(()) => {
                next.touch(at);
                if let Some(device_id) = device {
                    for id in all().filter(|id| answered(self, *id).is_none()) {
                        next.edit().devices.remember(device_id, id, at.stamp.revision);
                    }
                    if next.record.playback.revision == at.stamp.revision {
                        let playback = &mut next.edit().playback;
                        (playback.by, playback.unplayable) = (Some(By { device_id, command_id: command.id }), None);
                    }
                }
                *self = next;
                effects.push(Effect::Commit(Durability::Now));
                for id in all() {
                    let revision = answered(self, id).unwrap_or(at.stamp.revision);
                    effects.push(Effect::Ack(connection, id, revision));
                }
                effects.append(&mut wanted);
            }
            Err(reject) => effects.extend(all().map(|id| match answered(self, id) {
                Some(revision) => Effect::Ack(connection, id, revision),
                None => Effect::Reject(connection, id, reject.clone()),
            })),
        }
    }

    fn carry_out(
        &mut self,
        at: At,
        author: Author,
        command: &Command<Resolved>,
        seed: u64,
        effects: &mut Vec<Effect>,
    ) -> CommandResult {
        self.check_preconditions(author, command)?;
        match &command.op {
            Op::Play { item, tracks, start, position_ms, on } => {
                let target = self.target_of_play(author, *on)?;
                if on.is_some() {
                    self.cancel_transfer(at);
                }
                let item = self.item_to_play(at, *item, tracks, start.unwrap_or(0), seed)?;
                self.play(at, target, item, *position_ms)
            }
            Op::PlayList { tracks, start, shuffle, on, .. } => {
                let target = self.target_of_play(author, *on)?;
                if on.is_some() {
                    self.cancel_transfer(at);
                }
                let item = self.item_of_list(at, tracks, *start, *shuffle, seed)?;
                self.play(at, target, Some(item), None)
            }
            Op::Pause => {
                self.pause(at);
                Ok(())
            }
            Op::Stop => {
                self.stop(at);
                Ok(())
            }
            Op::Seek { position_ms } => self.seek(at, *position_ms),
            Op::Next => {
                self.skip(at);
                Ok(())
            }
            Op::Previous => {
                self.go_back(at);
                Ok(())
            }
            Op::Transfer { to, mode } => self.transfer(at, *to, *mode),
            Op::Repeat { mode } => {
                self.touch_playback(at);
                self.edit().playback.repeat = *mode;
                self.refresh_next();
                Ok(())
            }
            Op::Shuffle { on } => {
                self.shuffle(at, *on, seed);
                Ok(())
            }
            Op::Rate { rate } => {
                self.freeze(at);
                self.edit().playback.rate = *rate;
                self.set_intent(at, self.record.playback.intent);
                Ok(())
            }
            Op::Volume { device_id, level, delta, muted } => self.volume(at, *device_id, *level, *delta, *muted),
            Op::QueueReplace { tracks } => self.replace_queue(at, tracks, seed),
            Op::QueueInsert { tracks, after, before } => {
                self.insert_tracks(at, tracks, place(*after, *before).ok_or(TWO_PLACES)?)
            }
            Op::QueueMove { item, after, before } => {
                self.move_entry(at, *item, place(*after, *before).ok_or(TWO_PLACES)?)
            }
            Op::QueueRemove { items } => self.remove_entries(at, items),
            Op::QueueClear => self.replace_queue(at, &[], seed),
            Op::DeviceRename { device_id, name } => self.rename(at, *device_id, name),
            Op::DeviceForget { device_id } => self.forget(at, *device_id, effects),
        }
    }

    fn check_preconditions(&self, author: Author, command: &Command<Resolved>) -> CommandResult {
        let playback = &self.record.playback;
        if author.device().is_some_and(|sender| !sender.controls) {
            return Err(Reject::new(
                RejectCode::Denied,
                "this device joined with controls: false; join with controls: true",
            ));
        }
        if matches!(command.op, Op::Next | Op::Previous) && command.if_item.is_none() {
            // A device must name the item that its user saw; a program may mean whatever item is current.
            if author.device().is_some() {
                return Err(Reject::new(RejectCode::Invalid, "next and previous need if_item: the shown item"));
            }
            if playback.item.is_none() {
                return Err(Reject::new(RejectCode::Conflict, "no item is current; play something first"));
            }
        }
        // A program sends one long request where a device sends several frames. The tracks of a list are not sent.
        let is_sent = author.device().is_some() && !matches!(command.op, Op::PlayList { .. });
        let most = if is_sent { self.limits.tracks_per_command } else { self.limits.queue_items };
        if command.op.tracks().len() > most {
            return Err(Reject::new(RejectCode::Invalid, "too many tracks in one command; send them in parts"));
        }
        if command.if_item.is_some() && command.if_item != playback.item.map(|item| item.id) {
            return Err(Reject::new(RejectCode::Stale, "another item is current by now"));
        }
        if command.if_queue_revision.is_some_and(|revision| revision != playback.queue_revision) {
            return Err(Reject::new(RejectCode::Stale, "the queue revision is no longer if_queue_revision"));
        }
        if command.if_lease.is_some() && command.if_lease != playback.active.map(|active| active.lease) {
            return Err(Reject::new(RejectCode::Stale, "the lease is no longer if_lease"));
        }
        Ok(())
    }

    /// The device that is to sound: the named one, else the active one, else the sender.
    fn target_of_play(&self, author: Author, on: Option<DeviceId>) -> Result<(DeviceId, InstanceId), Reject> {
        match (on, self.record.playback.active) {
            (Some(id), _) => self.able_to_play(id),
            (None, Some(active)) if self.has_connected_holder() => Ok((active.device_id, active.instance)),
            (None, active) => match (author.device(), active) {
                (Some(sender), _) if sender.plays => Ok((sender.device_id, sender.instance)),
                (_, Some(_)) => Err(Reject::new(RejectCode::Offline, "the active device is out of contact")),
                (_, None) => Err(Reject::new(RejectCode::NoActiveDevice, "no device is active; name one that plays")),
            },
        }
    }

    pub(super) fn able_to_play(&self, id: DeviceId) -> Result<(DeviceId, InstanceId), Reject> {
        let device = self.record.devices.get(id).ok_or(NO_DEVICE)?;
        if !device.plays {
            return Err(Reject::new(RejectCode::Denied, "that device cannot play"));
        }
        if !device.is_online() {
            return Err(Reject::new(RejectCode::Offline, "that device is out of contact"));
        }
        Ok((id, device.instance))
    }

    fn play(
        &mut self,
        at: At,
        (device_id, instance): (DeviceId, InstanceId),
        item: Option<Item>,
        position_ms: Option<i64>,
    ) -> CommandResult {
        let playback = &self.record.playback;
        let holds = playback.active.is_some_and(|active| active.is(device_id, instance));
        let sounds = matches!(playback.status, Status::Starting | Status::Playing | Status::Buffering);
        if holds && item.is_none() && position_ms.is_none() && playback.intent == Intent::Play && sounds {
            return Ok(());
        }
        let ended = playback.status == Status::Ended;
        self.freeze(at);
        if !holds {
            self.grant(at, device_id, instance);
        }
        self.edit().failures = 0;
        let from_start = (ended || self.record.playback.item.is_none()).then(|| self.queue.first()).flatten();
        match item.or(from_start) {
            Some(item) => self.change_item(at, Some(item), position_ms.unwrap_or(0)),
            None if self.record.playback.item.is_none() => {
                return Err(Reject::new(RejectCode::Conflict, "the queue is empty; play tracks"));
            }
            None => {
                let place_ms = position_ms.unwrap_or(self.record.playback.position_ms);
                self.anchor(at, place_ms, at.now, self.resting_status());
            }
        }
        self.set_intent(at, Intent::Play);
        Ok(())
    }

    pub(super) fn pause(&mut self, at: At) {
        if self.record.playback.intent == Intent::Play {
            self.freeze(at);
            self.set_intent(at, Intent::Pause);
        }
    }

    pub(super) fn stop(&mut self, at: At) {
        self.freeze(at);
        self.revoke(at);
        self.set_intent(at, Intent::Stop);
        self.edit().playback.position_ms = 0;
    }

    fn seek(&mut self, at: At, position_ms: i64) -> CommandResult {
        if self.record.playback.item.is_none() {
            return Err(Reject::new(RejectCode::Conflict, "nothing is playing; play tracks first"));
        }
        self.freeze(at);
        self.anchor(at, position_ms, at.now, self.resting_status());
        self.set_intent(at, self.record.playback.intent);
        Ok(())
    }

    fn skip(&mut self, at: At) {
        let playback = &self.record.playback;
        if let Some(item) = playback.item.and_then(|item| self.queue.skip_after(item.id, playback.repeat)) {
            self.go_to(at, item);
        } else if playback.intent != Intent::Stop {
            self.freeze(at);
            self.finish(at);
        }
    }

    fn go_back(&mut self, at: At) {
        let playback = &self.record.playback;
        let early = playback.position_at(at.now) < PREVIOUS_MS;
        let before = playback.item.filter(|_| early).and_then(|item| self.queue.before(item.id, playback.repeat));
        if let Some(item) = before.or(playback.item) {
            self.go_to(at, item);
        }
    }

    /// Makes another item current, from its start. The intent stays; after the end of the queue it is `pause`.
    fn go_to(&mut self, at: At, item: Item) {
        self.edit().failures = 0;
        self.freeze(at);
        self.change_item(at, Some(item), 0);
    }

    fn volume(
        &mut self,
        at: At,
        device_id: Option<DeviceId>,
        level: Option<u8>,
        delta: Option<i16>,
        muted: Option<bool>,
    ) -> CommandResult {
        let no_active = Reject::new(RejectCode::NoActiveDevice, "no device is active; name one in device_id");
        let active = self.record.playback.active.map(|active| active.device_id);
        let device_id = device_id.or(active).ok_or(no_active)?;
        let known = self.record.devices.get(device_id).ok_or(NO_DEVICE)?.volume;
        let level = match (level, delta, known) {
            (Some(level), None, _) if level <= 100 => level,
            (None, Some(delta), Some(volume)) => {
                let moved = i16::from(volume.level).saturating_add(delta).clamp(0, 100);
                u8::try_from(moved).unwrap_or(volume.level)
            }
            (None, None, Some(volume)) if muted.is_some() => volume.level,
            (None, _, None) => {
                return Err(Reject::new(
                    RejectCode::Conflict,
                    "the volume of that device is not known yet; send a level",
                ));
            }
            _ => return Err(Reject::new(RejectCode::Invalid, "volume needs a level from 0 to 100, a delta, or muted")),
        };
        let muted = muted.unwrap_or(known.is_some_and(|volume| volume.muted));
        if known.is_some_and(|volume| volume.version >= Volume::MOST_VERSION) {
            return Err(Reject::new(
                RejectCode::Invalid,
                "the device named the highest version of a volume, so none is newer",
            ));
        }
        let version = known.map_or(1, |volume| volume.version.saturating_add(1));
        self.touch_devices(at);
        if let Some(device) = self.edit().devices.get_mut(device_id) {
            device.volume = Some(Volume { level, muted, version });
        }
        Ok(())
    }

    fn rename(&mut self, at: At, device_id: DeviceId, name: &str) -> CommandResult {
        let name = name.trim();
        if !is_name(name) {
            return Err(Reject::new(RejectCode::Invalid, "a name has 1 to 64 characters and no control characters"));
        }
        if self.record.devices.get(device_id).is_none() {
            return Err(NO_DEVICE);
        }
        self.touch_devices(at);
        self.edit().devices.rename(device_id, name);
        Ok(())
    }

    /// Removes a device from the list: at once if it has no socket, else when its socket has ended.
    fn forget(&mut self, at: At, device_id: DeviceId, effects: &mut Vec<Effect>) -> CommandResult {
        let connection = self.record.devices.get(device_id).ok_or(NO_DEVICE)?.presence.connection();
        let holds = self.record.playback.active.is_some_and(|active| active.device_id == device_id);
        if holds && !self.complete_transfer(at, effects) {
            self.freeze(at);
            self.revoke(at);
            if self.record.playback.intent == Intent::Play {
                self.set_intent(at, Intent::Pause);
            }
        }
        self.touch_devices(at);
        match connection {
            Some(connection) if self.is_here(device_id) => {
                effects.push(Effect::Close(connection, CloseReason::Forgotten));
            }
            Some(_) => self.request_action(device_id, PendingAction::Forget),
            None => self.edit().devices.forget(device_id, at.now),
        }
        Ok(())
    }
}

const NO_DEVICE: Reject = Reject::new(RejectCode::Invalid, "no such device; see the list of devices");
const TWO_PLACES: Reject = Reject::new(RejectCode::Invalid, "give after or before, not both");

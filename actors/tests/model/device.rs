//! The client's rules: when to sound, when to fall silent, what to say.

use crate::record::{Broken, Command, Connection, ToNode, View};

/// From the server to a device.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ToDevice {
    Welcome(View),
    Playback(View),
    Ack(usize),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Device {
    /// Its end of the socket.
    pub(crate) socket: Option<Connection>,
    /// Whether frames get through.
    pub(crate) is_linked: bool,
    /// It was welcomed on this socket.
    pub(crate) welcomed: Option<Connection>,
    pub(crate) up: Vec<ToNode>,
    pub(crate) down: Vec<ToDevice>,
    pub(crate) view: Option<View>,
    /// The lease it sounds under.
    pub(crate) sounding: Option<u8>,
    /// The last lease it was shown as its own.
    pub(crate) held: Option<u8>,
    /// It falls silent then, for a switch to that lease.
    pub(crate) silent_at: Option<(u8, u8)>,
    pub(crate) unanswered: Option<(usize, Command)>,
}

impl Device {
    /// Takes the next frame.
    pub(crate) fn hear(&mut self, me: usize, now: u8, broken: Broken) -> Option<usize> {
        match self.down.remove(0) {
            ToDevice::Ack(id) => {
                self.unanswered = self.unanswered.filter(|(waiting, _)| *waiting != id);
                return Some(id);
            }
            ToDevice::Welcome(view) => {
                self.welcomed = self.socket;
                self.obey(me, now, view, broken);
                self.up.extend(self.unanswered.map(|(id, command)| ToNode::Command(id, command)));
            }
            ToDevice::Playback(view) => {
                if self.view.as_ref().is_none_or(|known| view.revision > known.revision) {
                    self.obey(me, now, view, broken);
                }
            }
        }
        None
    }

    fn obey(&mut self, me: usize, now: u8, view: View, broken: Broken) {
        let mine = view.active.filter(|active| active.device == me);
        let earlier = self.held;
        if let Some(active) = mine {
            self.held = Some(active.lease);
            // Told to hand over: silent at that instant, and says so now.
            match view.transfer.and_then(|transfer| transfer.lease) {
                Some((to, at)) if self.silent_at != Some((to, at)) => {
                    self.silent_at = Some((to, at));
                    self.up.push(ToNode::Yield { lease: active.lease, seen: view.revision, to: Some(to) });
                }
                Some(_) => {}
                None => self.silent_at = None,
            }
        }
        let switches = view.active.and_then(|active| active.source.map(|source| (source, active)));
        let hands_over = switches.is_some_and(|((source, lease), active)| {
            source == me
                && self.sounding == Some(lease)
                && self.silent_at == Some((active.lease, active.from))
                && now < active.from
        });
        if mine.is_none() && !hands_over {
            self.sounding = None;
            self.silent_at = None;
        }
        // A device that is listed in `after` says that it is silent.
        for entry in view.after.iter().filter(|entry| entry.device == me) {
            if Some(entry.lease) == earlier || mine.is_none() {
                self.up.push(ToNode::Yield { lease: entry.lease, seen: view.revision, to: None });
            }
        }
        self.view = Some(view);
        self.sound(me, now, broken);
    }

    /// Sounds when it may, and falls silent when it must: after each frame, and as time passes.
    pub(crate) fn sound(&mut self, me: usize, now: u8, broken: Broken) {
        if self.silent_at.is_some_and(|(_, at)| at <= now) {
            self.sounding = None;
            return;
        }
        let Some(view) = &self.view else { return };
        let Some(active) = view.active.filter(|active| active.device == me) else {
            return;
        };
        let waits = !view.after.is_empty() && broken != Broken::Waiting;
        self.sounding = (active.from <= now && !waits).then_some(active.lease);
    }
}

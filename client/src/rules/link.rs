//! The connection of a client: probes, time limits for silence of the server, and connecting again (R8, R12).

use super::clock::BURST;
use super::{Audio, Client, Output};
use crate::protocol::close::CloseReason;
use crate::protocol::device::DeviceList;
use crate::protocol::ids::{Micros, Stamp};
use crate::protocol::messages::ByeReason;
use crate::protocol::playback::{Intent, Playback};
use crate::protocol::wire::{ClientLimits, ClientMessage, FRAME_BYTES, Hello, PAGE_ITEMS};

/// The limits that are assumed before the first `welcome`.
pub(super) const FIRST_LIMITS: ClientLimits = ClientLimits {
    heartbeat_ms: 2_000,
    idle_ms: 20_000,
    lease_ms: 5_000,
    audio_ms: 600_000,
    frame_bytes: FRAME_BYTES,
    page_items: PAGE_ITEMS,
    tracks: 500,
};
/// Longest wait between two attempts, in milliseconds, unless the server asks for a longer one.
const LONGEST_WAIT_MS: i64 = 5_000;
/// Longest wait that the server may ask for, in milliseconds.
const LONGEST_ASKED_MS: i64 = 30_000;
/// First wait after a failed attempt, in milliseconds; doubled with each further one.
const FIRST_WAIT_MS: i64 = 250;
/// A device that sounds waits no longer than this, in milliseconds, before its first attempt.
const SOUNDING_WAIT_MS: i64 = 1_000;
/// Close codes that ask a client not to connect again, also those that [`CloseReason`] does not have.
const STAY_AWAY: std::ops::RangeInclusive<u16> = 4500..=4999;
/// An attempt to connect and be welcomed is given up after this long, in milliseconds.
const ATTEMPT_MS: i64 = 10_000;
/// A socket on which no frame comes within this after a wake-up, in milliseconds, counts as dead.
const WAKING_MS: i64 = 4_000;
/// An attempt that has run for this long at a wake-up, in milliseconds, is begun anew: what it sent counts as lost.
const STALE_ATTEMPT_MS: i64 = 1_000;

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not connected; the next attempt is at this local instant.
    Down(i64),
    /// A socket was asked for, or is open and waits for its `welcome`, since this local instant.
    Trying(i64),
    /// Welcomed.
    Up,
    /// Closed for good: no further attempt.
    Over,
}

/// The server's `goaway`.
#[derive(Debug, Clone)]
pub(super) struct Farewell {
    /// The code of the close frame, used if that is lost.
    pub(super) code: u16,
    /// The stable word for the reason.
    pub(super) reason: String,
    /// How long to wait at least before the next attempt, in milliseconds.
    pub(super) retry_ms: u32,
}

/// The connection of a client.
#[derive(Debug, Clone)]
pub struct Link {
    phase: Phase,
    /// Attempts since the last `welcome`: the waits grow with them.
    failed_attempts: u32,
    /// Times a `hello` was sent.
    hellos: u32,
    jitter_ms: i64,
    farewell: Option<Farewell>,
    heard_us: i64,
    /// Set at a wake-up until a frame is received: at this local instant the socket counts as dead.
    doubted_until_us: Option<i64>,
    welcomed_us: i64,
    probed_us: i64,
    burst_left: u8,
    /// The server's time in the newest `welcome`, `ping` or answered probe: the time of strict mode counts from it.
    server_sent: Option<Micros>,
    /// In strict mode the device may sound until then, in local time.
    allowed_us: i64,
    /// `allowed_us` has passed, and no frame has moved it ahead since.
    has_lapsed: bool,
}

impl Link {
    /// No connection yet; the first attempt is made at once.
    pub(super) fn down(local_us: i64) -> Self {
        Self {
            phase: Phase::Down(local_us),
            failed_attempts: 0,
            hellos: 0,
            jitter_ms: 0,
            farewell: None,
            heard_us: local_us,
            doubted_until_us: None,
            welcomed_us: local_us,
            probed_us: local_us,
            burst_left: 0,
            server_sent: None,
            allowed_us: i64::MIN,
            has_lapsed: false,
        }
    }

    /// Whether the server has welcomed this device and the socket is up.
    #[must_use]
    pub fn is_welcomed(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Whether the connection has ended for good.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// A frame was received; on a welcomed socket that is contact.
    pub(super) fn hear(&mut self, local_us: i64) {
        self.heard_us = local_us;
        self.doubted_until_us = None;
        if self.is_welcomed() {
            self.welcomed_us = local_us;
        }
    }

    /// A `goaway`: the server is about to close this socket.
    pub(super) fn sent_away(&mut self, farewell: Farewell, jitter_ms: i64) {
        self.jitter_ms = jitter_ms;
        self.farewell = Some(farewell);
    }

    /// The server sent something at this instant of its time.
    pub(super) const fn sent_at(&mut self, now_us: Micros) {
        self.server_sent = Some(now_us);
    }

    /// The last contact on a welcomed socket: `audio_ms` counts from it.
    pub(super) const fn contact_us(&self) -> i64 {
        self.welcomed_us
    }
}

impl Client {
    pub(super) fn greet(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        self.reset_copies();
        self.link.phase = Phase::Trying(local_us);
        self.link.heard_us = local_us;
        self.link.doubted_until_us = None;
        self.link.farewell = None;
        self.link.hellos = self.link.hellos.saturating_add(1);
        let (token, device) = (self.token.clone(), self.device.clone());
        let (seen, attempt) = (self.seen(), Some(self.link.hellos));
        outputs.push(Output::Send(ClientMessage::Hello(Box::new(Hello { token, device, seen, attempt }))));
        self.link.burst_left = BURST;
        self.probe(local_us, outputs);
    }

    /// Earlier probes do not count, because the clock is another one or may have stopped: begins the burst again.
    pub(super) fn ask_time_anew(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        let is_asked = self.link.burst_left > 0;
        self.link.burst_left = BURST;
        if !is_asked {
            self.probe(local_us, outputs);
        }
    }

    pub(super) fn welcomed(&mut self, local_us: i64, jitter_ms: i64, outputs: &mut Vec<Output>) {
        self.link.phase = Phase::Up;
        self.link.failed_attempts = 0;
        self.link.jitter_ms = jitter_ms;
        self.link.hear(local_us);
        outputs.push(Output::Show);
    }

    /// The first wait is a random part of the server's jitter, the later ones of a time that doubles. Where the server
    /// has said how long to wait at least, that comes first, up to [`LONGEST_ASKED_MS`].
    pub(super) fn closed(&mut self, local_us: i64, chance: u64, code: Option<u16>, outputs: &mut Vec<Output>) {
        if self.link.is_over() {
            return;
        }
        let told = self.link.farewell.take();
        let code = code.or(told.as_ref().map(|told| told.code));
        if let Some(code) = code.filter(|code| STAY_AWAY.contains(code)) {
            let known = CloseReason::ALL.iter().find(|reason| reason.code() == code);
            let why = known.map(|reason| reason.text().to_owned()).or(told.map(|told| told.reason)).unwrap_or_default();
            self.link.phase = Phase::Over;
            self.fall_silent(outputs);
            outputs.push(Output::GiveUp(code, why));
            return;
        }
        let was_up = self.link.is_welcomed();
        let longest_ms = if was_up && self.audio.is_sounding() {
            self.link.jitter_ms.min(SOUNDING_WAIT_MS)
        } else if was_up {
            self.link.jitter_ms
        } else {
            let doubled = FIRST_WAIT_MS.saturating_mul(1_i64 << self.link.failed_attempts.min(10));
            doubled.min(LONGEST_WAIT_MS)
        };
        self.link.failed_attempts = self.link.failed_attempts.saturating_add(1);
        let share_us = i64::try_from(chance % 1000).unwrap_or(0).saturating_mul(longest_ms);
        let least_ms = told.map_or(0, |told| i64::from(told.retry_ms)).min(LONGEST_ASKED_MS);
        self.link.phase = Phase::Down(local_us.saturating_add(least_ms.saturating_mul(1000)).saturating_add(share_us));
        outputs.push(Output::Show);
    }

    /// After a wake-up or a change of network: connects at once, or probes the open socket (R12).
    pub(super) fn wake(&mut self, local_us: i64, chance: u64, outputs: &mut Vec<Output>) {
        // It is unknown how long the clock stood still: every instant that was waited for, also the end of a lease,
        // counts as passed.
        self.time.renew(local_us);
        self.link.allowed_us = self.link.allowed_us.min(local_us);
        if self.silent_at().is_some_and(|at| at <= local_us) {
            self.fall_silent(outputs);
        }
        match self.link.phase {
            Phase::Up => {
                self.ask_time_anew(local_us, outputs);
                self.link.doubted_until_us = Some(local_us.saturating_add(WAKING_MS * 1000));
                self.obey(local_us, outputs);
                return;
            }
            Phase::Trying(since) if since.saturating_add(STALE_ATTEMPT_MS * 1000) <= local_us => {
                outputs.push(Output::Disconnect);
                self.closed(local_us, chance, None, outputs);
            }
            _ => {}
        }
        if let Phase::Down(_) = self.link.phase {
            self.link.failed_attempts = 0;
            self.link.phase = Phase::Down(local_us);
            self.tick_link(local_us, chance, outputs);
        }
    }

    pub(super) fn leave(&mut self, reason: ByeReason, outputs: &mut Vec<Output>) {
        self.fall_silent(outputs);
        if self.link.is_welcomed() {
            outputs.push(Output::Send(ClientMessage::Bye { reason }));
        }
        self.link.phase = Phase::Over;
        outputs.push(Output::Show);
    }

    /// Whether strict mode is on: a device that is cut off may sound no longer than `lease_ms` (R1).
    const fn is_strict(&self) -> bool {
        self.limits.audio_ms <= self.limits.lease_ms
    }

    /// In strict mode the device may sound until `lease_ms` after the newest time of the server, less the error bound of
    /// its clock, so that the server need not know that bound. What an earlier one allowed stays allowed.
    pub(super) fn renew(&mut self, local_us: i64) {
        if let Some((sent, bound_us)) = self.link.server_sent.zip(self.time.bound_at(local_us)) {
            let lease_ends = self.time.local(sent.plus_ms(self.limits.lease_ms));
            let allowed_us = lease_ends.saturating_sub(bound_us);
            self.link.has_lapsed &= allowed_us <= self.link.allowed_us;
            self.link.allowed_us = self.link.allowed_us.max(allowed_us);
        }
    }

    /// Whether strict mode lets this device sound.
    pub(super) const fn is_allowed(&self, local_us: i64) -> bool {
        !self.is_strict() || local_us < self.link.allowed_us
    }

    /// As [`Self::is_allowed`]. Once the time has ended, only a newer frame of the server lets the device sound again.
    pub(super) const fn takes_leave(&mut self, local_us: i64) -> bool {
        let is_allowed = self.is_allowed(local_us);
        self.link.has_lapsed |= !is_allowed;
        is_allowed
    }

    /// Whether the time of strict mode has ended without a newer frame of the server.
    pub(super) const fn has_lapsed(&self) -> bool {
        self.link.has_lapsed
    }

    /// When a device that receives nothing from the server falls silent, in local time.
    pub(super) fn silent_at(&self) -> Option<i64> {
        if self.audio == Audio::Silent {
            None
        } else if self.is_strict() {
            matches!(self.audio, Audio::Sounding { .. } | Audio::Loading { .. }).then_some(self.link.allowed_us)
        } else {
            let last_us = self.link.contact_us().saturating_add(self.limits.audio_ms.saturating_mul(1000));
            (!self.link.is_welcomed()).then_some(last_us)
        }
    }

    /// The newest stamp that this device was shown.
    fn seen(&self) -> Option<Stamp> {
        let playback = self.playback.as_ref().map(Playback::stamp);
        playback.max(self.devices.as_ref().map(DeviceList::stamp))
    }

    fn probe(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        self.link.burst_left = self.link.burst_left.saturating_sub(1);
        self.link.probed_us = local_us;
        outputs.push(Output::Send(ClientMessage::Time { client_us: local_us }));
    }

    /// The next probe of a burst follows the answer to the one before.
    pub(super) fn probe_again(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        if self.link.burst_left > 0 {
            self.probe(local_us, outputs);
        }
    }

    /// Whether the server counts this device as lost after `lease_ms`: it is the active one, and is to play.
    fn is_watched(&self) -> bool {
        self.is_active() && self.playback.as_ref().is_some_and(|shown| shown.intent == Intent::Play)
    }

    /// Time between two probes, in milliseconds. They show both sides that the other is there: shorter on a device that is
    /// to sound.
    fn probe_ms(&self) -> i64 {
        if self.is_watched() {
            self.limits.heartbeat_ms.saturating_mul(5) / 4
        } else {
            self.limits.idle_ms.saturating_mul(3) / 2
        }
    }

    /// After this many milliseconds without a frame the socket counts as dead, even if it looks open.
    fn silence_ms(&self) -> i64 {
        if self.is_watched() {
            self.limits.lease_ms.saturating_mul(11) / 10
        } else {
            self.limits.idle_ms.saturating_mul(7) / 4
        }
    }

    pub(super) fn link_deadline(&self) -> i64 {
        match self.link.phase {
            Phase::Down(at) => at,
            Phase::Trying(since) => since.saturating_add(ATTEMPT_MS * 1000),
            Phase::Up => self.probe_due().min(self.dead_at()),
            Phase::Over => i64::MAX,
        }
    }

    fn probe_due(&self) -> i64 {
        self.link.probed_us.saturating_add(self.probe_ms().saturating_mul(1000))
    }

    fn dead_at(&self) -> i64 {
        let silent_us = self.link.heard_us.saturating_add(self.silence_ms().saturating_mul(1000));
        self.link.doubted_until_us.map_or(silent_us, |doubted_us| doubted_us.min(silent_us))
    }

    pub(super) fn tick_link(&mut self, local_us: i64, chance: u64, outputs: &mut Vec<Output>) {
        match self.link.phase {
            Phase::Down(at) if at <= local_us => {
                self.link.phase = Phase::Trying(local_us);
                outputs.push(Output::Connect);
            }
            Phase::Trying(since) if since.saturating_add(ATTEMPT_MS * 1000) <= local_us => {
                outputs.push(Output::Disconnect);
                self.closed(local_us, chance, None, outputs);
            }
            Phase::Up if self.dead_at() <= local_us => {
                outputs.push(Output::Disconnect);
                self.closed(local_us, chance, None, outputs);
            }
            Phase::Up if self.probe_due() <= local_us => self.probe(local_us, outputs),
            _ => {}
        }
    }
}

//! Shows the device: on a screen to a person, or as lines to a program.

use super::{
    Face, Happening, Options, Trouble,
    api::ShownTrack,
    events::{AudioEvent, CommandAnswer, EventLine, LinkState, PositionSample},
    lines::Lines,
    screen::Screen,
    view::View,
};
use crate::time;
use segue_client::{
    Audio,
    protocol::{
        device::DeviceList,
        ids::{CommandId, Micros},
        messages::RejectCode,
        playback::Playback,
        wire::QueuePage,
    },
};
use tokio::sync::mpsc::Sender;

/// The screen or the lines of a device.
pub(super) enum Front {
    Screen(Screen),
    Lines(Lines, Box<Told>),
}

/// What was printed last, so that only changes are printed.
#[derive(Default)]
pub(super) struct Told {
    is_up: bool,
    playback: Option<Playback>,
    devices: Option<DeviceList>,
    audio: Option<Audio>,
}

impl Front {
    pub(super) fn open(options: &Options, happenings: &Sender<Happening>) -> Result<Self, Trouble> {
        match options.face {
            Face::Screen => Ok(Self::Screen(Screen::open(options, happenings.clone())?)),
            Face::Lines { exit_with_stdin } => {
                Ok(Self::Lines(Lines::open(happenings, exit_with_stdin), Box::default()))
            }
        }
    }

    /// Whether it shows the names of tracks.
    pub(super) const fn names_tracks(&self) -> bool {
        matches!(self, Self::Screen(_))
    }

    /// Shows what may have changed.
    pub(super) fn show(&mut self, view: &View<'_>) {
        match self {
            Self::Screen(screen) => screen.show(view),
            Self::Lines(lines, told) => told.tell(lines, view),
        }
    }

    /// Prints a sample of the position.
    pub(super) fn sample(&self, view: &View<'_>) {
        let (Self::Lines(lines, _), Some(shown)) = (self, view.client.playback()) else { return };
        if !view.client.link().is_welcomed() {
            return;
        }
        lines.tell(&EventLine::Position(PositionSample {
            server_us: view.server_us(),
            position_ms: view.client.position_at(view.local_us).unwrap_or(0),
            media_id: shown.item.map(|item| item.media_id),
            item: shown.item.map(|item| item.id),
            status: shown.status,
            intent: shown.intent,
            active: shown.active.map(|active| active.device_id),
            bound_us: view.client.time().bound_us(),
            wall_us: time::now(),
            late_ms: lines.late_ms(),
        }));
    }

    /// All bytes of an item have arrived.
    pub(super) fn loaded(&self, server_us: Micros, audio: AudioEvent) {
        if let Self::Lines(lines, _) = self {
            lines.tell(&EventLine::Audio { server_us, audio });
        }
    }

    /// A command was answered.
    pub(super) fn answered(&mut self, id: CommandId, command: String, answer: Result<u64, (RejectCode, String)>) {
        match (self, answer) {
            (Self::Lines(lines, _), answer) => {
                lines.tell(&EventLine::Answered { id, command, answer: CommandAnswer::from(answer) });
            }
            (Self::Screen(screen), Err((_, message))) => screen.notice(format!("{command}: {message}")),
            (Self::Screen(_), Ok(_)) => {}
        }
    }

    /// A page of the queue has arrived.
    pub(super) fn queue(&self, page: &QueuePage) {
        if let Self::Lines(lines, _) = self {
            lines.tell(&EventLine::Queue(page));
        }
    }

    /// Shows the hits for what was typed.
    pub(super) fn hits(&self, words: String, hits: Vec<ShownTrack>) {
        if let Self::Screen(screen) = self {
            screen.hits(words, hits);
        }
    }

    /// Says that something could not be done.
    pub(super) fn error(&mut self, message: &str) {
        match self {
            Self::Lines(lines, _) => lines.tell(&EventLine::Error { message }),
            Self::Screen(screen) => screen.notice(message.to_owned()),
        }
    }

    /// The connection has ended for good.
    pub(super) fn over(&self, reason: &str) {
        if let Self::Lines(lines, _) = self {
            lines.tell(&EventLine::Link { state: LinkState::Over, reason: Some(reason) });
        }
    }
}

impl Told {
    fn tell(&mut self, lines: &Lines, view: &View<'_>) {
        let (client, server_us) = (view.client, view.server_us());
        let is_up = client.link().is_welcomed();
        if is_up != self.is_up {
            self.is_up = is_up;
            let state = if is_up { LinkState::Up } else { LinkState::Down };
            lines.tell(&EventLine::Link { state, reason: Some(view.link_reason).filter(|_| !is_up) });
            if let Some(device_id) = client.device_id().filter(|_| is_up) {
                lines.tell(&EventLine::Welcome { server_us, device_id, instance: client.instance() });
            }
        }
        if let Some(playback) = client.playback().filter(|shown| self.playback.as_ref() != Some(shown)) {
            self.playback = Some(playback.clone());
            lines.tell(&EventLine::Playback { server_us, playback });
        }
        if self.audio.as_ref().unwrap_or(&Audio::Silent) != client.audio() {
            self.audio = Some(*client.audio());
            let audio = AudioEvent::of(client.audio(), view.audio_reason.map(ToOwned::to_owned));
            lines.tell(&EventLine::Audio { server_us, audio });
        }
        if let Some(list) = client.devices().filter(|list| self.devices.as_ref() != Some(list)) {
            self.devices = Some(list.clone());
            lines.tell(&EventLine::Devices { server_us, devices: &list.devices });
        }
    }
}

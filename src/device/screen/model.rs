//! What the screen draws: a copy of the client's rules, and what belongs to it.

use super::super::{Options, api::ShownTrack, view::View};
use segue_client::{
    Client,
    protocol::{
        device::DeviceView,
        ids::DeviceId,
        playback::{Playback, Status},
    },
};
use std::time::{Duration, Instant};

/// How long a notice is shown.
const NOTICE: Duration = Duration::from_secs(6);

/// A line of text for the person.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) since: Instant,
}

/// Everything that is drawn, except what the person types.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) server: String,
    pub(super) user: String,
    pub(super) link_reason: String,
    /// The track that plays and the next one, if they are known.
    pub(super) tracks: [Option<ShownTrack>; 2],
    pub(super) notice: Option<Notice>,
    /// The words of the last search, and its hits.
    pub(super) hits: Option<(String, Vec<ShownTrack>)>,
    /// The rules, with their own time and this machine's time when they were copied.
    known: Option<(Client, i64, Instant)>,
}

impl Model {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            server: options.server.to_string(),
            user: options.user.clone(),
            link_reason: "connecting".to_owned(),
            tracks: [None, None],
            notice: None,
            hits: None,
            known: None,
        }
    }

    /// Copies what changed.
    pub(super) fn learn(&mut self, view: &View<'_>) {
        self.known = Some((view.client.clone(), view.local_us, Instant::now()));
        view.link_reason.clone_into(&mut self.link_reason);
        self.tracks.clone_from(&view.tracks);
    }

    fn client(&self) -> Option<&Client> {
        self.known.as_ref().map(|(client, ..)| client)
    }

    /// The playback state, as the server last sent it.
    pub(super) fn playback(&self) -> Option<&Playback> {
        self.client()?.playback()
    }

    /// The position in the item, as every screen shows it.
    pub(super) fn position_ms(&self, now: Instant) -> i64 {
        let place = self.known.as_ref().and_then(|(client, local_us, since)| {
            let passed_us = i64::try_from(now.saturating_duration_since(*since).as_micros()).unwrap_or(0);
            client.position_at(local_us.saturating_add(passed_us))
        });
        place.unwrap_or(0)
    }

    /// Whether the server has welcomed this device.
    pub(super) fn is_up(&self) -> bool {
        self.client().is_some_and(|client| client.link().is_welcomed())
    }

    /// The list of devices.
    pub(super) fn devices(&self) -> &[DeviceView] {
        self.client().and_then(Client::devices).map(|list| list.devices.as_slice()).unwrap_or_default()
    }

    /// This device's id, once it has one.
    pub(super) fn own_id(&self) -> Option<DeviceId> {
        self.client().and_then(Client::device_id)
    }

    /// The active device.
    pub(super) fn active_id(&self) -> Option<DeviceId> {
        self.playback()?.active.map(|active| active.device_id)
    }

    /// Whether the next frame differs from this one although nothing new arrives.
    pub(super) fn moves(&self) -> bool {
        self.playback().is_some_and(|shown| shown.status == Status::Playing)
    }

    /// The line of text for the person, as long as it is to be shown.
    pub(super) fn notice_at(&self, now: Instant) -> Option<&str> {
        let notice = self.notice.as_ref()?;
        (now.saturating_duration_since(notice.since) < NOTICE).then_some(notice.text.as_str())
    }
}

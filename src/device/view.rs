//! What is shown of a device, at one moment.

use super::api::ShownTrack;
use segue_client::{Client, protocol::ids::Micros};

/// The state of the rules at one time.
pub(super) struct View<'a> {
    pub(super) client: &'a Client,
    /// That time, in microseconds of the client's own clock.
    pub(super) local_us: i64,
    /// The reason for the state of the connection.
    pub(super) link_reason: &'a str,
    /// The reason if the audio failed.
    pub(super) audio_reason: Option<&'a str>,
    /// The track that plays and the next one, if they are known.
    pub(super) tracks: [Option<ShownTrack>; 2],
}

impl View<'_> {
    pub(super) fn server_us(&self) -> Micros {
        self.client.time().at(self.local_us)
    }
}

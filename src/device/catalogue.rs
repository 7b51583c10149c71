//! The names of tracks: asked for once, and remembered while there is room.

use super::{Found, Happening, api::Api, api::Refusal, api::ShownTrack};
use segue_client::protocol::ids::MediaId;
use std::collections::VecDeque;
use tokio::sync::mpsc::Sender;

/// How many tracks are remembered.
const KEPT: usize = 200;

/// The tracks that were asked for last.
#[derive(Default)]
pub(super) struct Catalogue {
    /// The newest last; `None` until the answer comes, and if there is no such track.
    tracks: VecDeque<(MediaId, Option<ShownTrack>)>,
}

impl Catalogue {
    /// The track, if it is known; otherwise it is asked for once.
    pub(super) fn track(&mut self, id: MediaId, api: &Api, happenings: &Sender<Happening>) -> Option<ShownTrack> {
        if let Some((_, track)) = self.tracks.iter().find(|(known, _)| *known == id) {
            return track.clone();
        }
        if self.tracks.len() == KEPT {
            self.tracks.pop_front();
        }
        self.tracks.push_back((id, None));
        let (api, happenings) = (api.clone(), happenings.clone());
        actix::spawn(async move {
            let found = match api.track(id).await {
                Ok(track) => Found::Track(id, Some(track)),
                Err(Refusal::Status(..)) => return,
                Err(Refusal::Away(_)) => Found::Track(id, None),
            };
            drop(happenings.send(Happening::Found(found)).await);
        });
        None
    }

    /// Takes the answer; after a failure the track is asked for again when it is needed again.
    pub(super) fn learn(&mut self, id: MediaId, track: Option<ShownTrack>) {
        match track {
            Some(track) => {
                if let Some((_, known)) = self.tracks.iter_mut().find(|(known, _)| *known == id) {
                    *known = Some(track);
                }
            }
            None => self.tracks.retain(|(known, _)| *known != id),
        }
    }
}

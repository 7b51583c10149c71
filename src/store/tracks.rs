//! Looks up the tracks that a command names.

use super::{
    answer::{fault, read},
    listed::listed,
};
use crate::{
    catalog::follow::Search,
    db::{self, Db, lists::Lists},
};
use segue_actors::{
    node::ports::{Later, ListedTracks, PortError, Tracks, WantedList},
    state::{Reject, queue::Resolved},
};
use segue_client::protocol::{
    ids::{MediaId, UserId},
    playback::MediaKind,
};
use std::{collections::HashMap, sync::Arc};

/// The most ids of one query: as many as a queue holds.
const IDS: usize = 10_000;

/// The tracks of the catalogue. A track whose file is missing cannot be played and counts as unknown.
pub struct DbTracks {
    db: Db,
    lists: Arc<Lists>,
    search: Arc<Search>,
}

impl DbTracks {
    /// The tracks in `db`, the long lists of them, and the search in them.
    #[must_use]
    pub fn new(db: Db, lists: Arc<Lists>, search: Arc<Search>) -> Self {
        Self { db, lists, search }
    }
}

impl Tracks for DbTracks {
    fn list(&self, user: UserId, wanted: WantedList) -> Later<Result<Result<ListedTracks, Reject>, PortError>> {
        let (db, lists, search) = (self.db.clone(), Arc::clone(&self.lists), Arc::clone(&self.search));
        Box::pin(async move { listed(&db, &lists, &search, user, wanted).await })
    }

    fn resolve(&self, _: UserId, ids: Vec<MediaId>) -> Later<Result<Result<Vec<Resolved>, MediaId>, PortError>> {
        if ids.len() > IDS {
            let message = format!("{} tracks were asked for at once; {IDS} is the most", ids.len());
            return Box::pin(std::future::ready(Err(fault(message, false))));
        }
        read(&self.db, move |connection| {
            let known: HashMap<_, _> = db::queueable::durations_ms(connection, &ids)?.into_iter().collect();
            let resolved = ids.into_iter().map(|media_id| match known.get(&media_id) {
                Some(&duration_ms) => Ok(Resolved { media_id, kind: MediaKind::Track, duration_ms }),
                None => Err(media_id),
            });
            Ok(resolved.collect())
        })
    }
}

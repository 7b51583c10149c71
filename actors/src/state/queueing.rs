//! Commands that change the queue, and what they change of the current item.

use super::queue::{Place, Queue, Resolved};
use super::{At, SessionState, item_id};
use crate::protocol::ids::ItemId;
use crate::protocol::messages::RejectCode;
use crate::protocol::playback::{Intent, Item};
use crate::state::Reject;
use crate::state::reject::CommandResult;
use std::sync::Arc;

const NO_ENTRY: Reject = Reject::new(RejectCode::Conflict, "the queue has no such entry any more");
const EMPTY_LIST: Reject = Reject::new(RejectCode::Conflict, "the list has no track that can be played");
const FULL: Reject = Reject::new(RejectCode::Invalid, "the queue would grow beyond its limit; remove something first");

impl SessionState {
    /// New entries for tracks, each with an id of its own.
    fn entries_for(&mut self, at: At, tracks: &[Resolved]) -> Vec<Item> {
        let first = self.record.next_item;
        self.edit().next_item = first.saturating_add(u64::try_from(tracks.len()).unwrap_or(u64::MAX));
        let entry = |(track, counter): (&Resolved, u64)| Item {
            id: item_id(at.stamp.epoch, counter),
            kind: track.kind,
            media_id: track.media_id,
            duration_ms: track.duration_ms,
        };
        tracks.iter().zip(first..).map(entry).collect()
    }

    /// The item that a `play` names: an entry, or the `start`th (from 0) of new tracks that replace the queue.
    pub(super) fn item_to_play(
        &mut self,
        at: At,
        item: Option<ItemId>,
        tracks: &[Resolved],
        start: usize,
        seed: u64,
    ) -> Result<Option<Item>, Reject> {
        match (item, tracks) {
            (None, []) => Ok(None),
            (Some(id), []) => self.queue.get(id).map(Some).ok_or(NO_ENTRY),
            (Some(_), _) => Err(Reject::new(RejectCode::Invalid, "give an item of the queue or tracks, not both")),
            (None, tracks) => {
                let entries = self.entries_for(at, tracks);
                let no_start = Reject::new(RejectCode::Invalid, "start must be less than the number of tracks");
                let first = *entries.get(start).ok_or(no_start)?;
                let mut queue = Queue::default();
                queue.insert(Place::End, entries);
                if self.record.playback.shuffle {
                    queue.shuffle(Some(first.id), seed);
                }
                self.set_queue(at, queue);
                Ok(Some(first))
            }
        }
    }

    /// The first item of a list's tracks, which replace the queue: the `start`th (from 0), else the first one, or any one
    /// when the queue is shuffled.
    pub(super) fn item_of_list(
        &mut self,
        at: At,
        tracks: &[Resolved],
        start: Option<usize>,
        shuffle: Option<bool>,
        seed: u64,
    ) -> Result<Item, Reject> {
        if let Some(on) = shuffle {
            self.edit().playback.shuffle = on;
        }
        let any = || usize::try_from(seed % u64::try_from(tracks.len().max(1)).unwrap_or(1)).unwrap_or(0);
        let start = start.unwrap_or_else(|| if self.record.playback.shuffle { any() } else { 0 });
        self.item_to_play(at, None, tracks, start, seed)?.ok_or(EMPTY_LIST)
    }

    /// Replaces the queue by `tracks`. The current item stays as the first entry, unless the intent is `stop`.
    pub(super) fn replace_queue(&mut self, at: At, tracks: &[Resolved], seed: u64) -> CommandResult {
        let kept = self.record.playback.item.filter(|_| self.record.playback.intent != Intent::Stop);
        let mut entries: Vec<Item> = kept.into_iter().collect();
        entries.extend(self.entries_for(at, tracks));
        let mut queue = Queue::default();
        queue.insert(Place::End, entries);
        if queue.len() > self.limits.queue_items {
            return Err(FULL);
        }
        if self.record.playback.shuffle {
            queue.shuffle(kept.map(|item| item.id), seed);
        }
        self.set_queue(at, queue);
        if kept.is_none() {
            self.change_item(at, None, 0);
        }
        Ok(())
    }

    pub(super) fn insert_tracks(&mut self, at: At, tracks: &[Resolved], place: Place) -> CommandResult {
        if self.queue.len().saturating_add(tracks.len()) > self.limits.queue_items {
            return Err(FULL);
        }
        let entries = self.entries_for(at, tracks);
        self.edit_queue(at, |queue| queue.insert(place, entries))
    }

    pub(super) fn move_entry(&mut self, at: At, item: ItemId, place: Place) -> CommandResult {
        let shuffled = self.record.playback.shuffle;
        self.edit_queue(at, |queue| queue.shift(item, place, shuffled))
    }

    /// Removes entries. If the current one is among them the next remaining one becomes current; without one, playback
    /// stops.
    pub(super) fn remove_entries(&mut self, at: At, items: &[ItemId]) -> CommandResult {
        if items.len() > self.limits.tracks_per_command {
            return Err(Reject::new(RejectCode::Invalid, "too many entries in one command; send them in parts"));
        }
        let current = self.record.playback.item.map(|item| item.id);
        let removed_current = current.is_some_and(|id| items.contains(&id));
        let following = current.filter(|_| removed_current).and_then(|id| {
            self.queue.items().skip_while(|item| item.id != id).find(|item| !items.contains(&item.id)).copied()
        });
        self.edit_queue(at, |queue| items.iter().all(|id| queue.remove(*id)))?;
        match following {
            Some(item) => {
                self.freeze(at);
                self.change_item(at, Some(item), 0);
            }
            None if removed_current => {
                self.stop(at);
                self.change_item(at, None, 0);
            }
            None => {}
        }
        Ok(())
    }

    /// Permutes the queue once with the current item in front, or brings the order back.
    pub(super) fn shuffle(&mut self, at: At, on: bool, seed: u64) {
        if self.record.playback.shuffle == on {
            return;
        }
        let mut queue = Queue::clone(&self.queue);
        if on {
            queue.shuffle(self.record.playback.item.map(|item| item.id), seed);
        } else {
            queue.unshuffle();
        }
        self.set_queue(at, queue);
        self.edit().playback.shuffle = on;
    }

    fn edit_queue(&mut self, at: At, edit: impl FnOnce(&mut Queue) -> bool) -> CommandResult {
        let mut queue = Queue::clone(&self.queue);
        if !edit(&mut queue) {
            return Err(NO_ENTRY);
        }
        self.set_queue(at, queue);
        Ok(())
    }

    fn set_queue(&mut self, at: At, queue: Queue) {
        self.touch_playback(at);
        let playback = &mut self.edit().playback;
        playback.queue_revision = at.stamp.revision;
        playback.queue_length = queue.len();
        self.queue = Arc::new(queue);
        self.refresh_next();
    }

    /// Sets `next`: the entry that follows the current item by itself.
    pub(super) fn refresh_next(&mut self) {
        let playback = &self.record.playback;
        let next = playback.item.and_then(|item| self.queue.next_after(item.id, playback.repeat));
        self.edit().playback.next = next;
    }
}

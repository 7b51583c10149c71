//! The queue: its entries in play order, and which entry follows which. Entries are named by id, never by index.

use crate::protocol::ids::{ItemId, MediaId};
use crate::protocol::playback::{Item, MediaKind, Playback, Repeat};
use crate::protocol::wire::{PAGE_ITEMS, QueuePage};
use serde::{Deserialize, Serialize};

/// A track as a command names it, once the catalogue has confirmed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// What to stream.
    pub media_id: MediaId,
    /// Track or episode.
    pub kind: MediaKind,
    /// Length in milliseconds, where the catalogue knows it.
    pub duration_ms: Option<i64>,
}

/// Where in the queue entries are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After the last entry.
    End,
    /// Right after an entry.
    After(ItemId),
    /// Right before an entry.
    Before(ItemId),
}

/// The place that `after` and `before` name together; `None` when both are given.
pub(super) fn place(after: Option<ItemId>, before: Option<ItemId>) -> Option<Place> {
    match (after, before) {
        (None, None) => Some(Place::End),
        (Some(id), None) => Some(Place::After(id)),
        (None, Some(id)) => Some(Place::Before(id)),
        (Some(_), Some(_)) => None,
    }
}

/// An entry and its rank in the order before any shuffle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct QueueEntry {
    #[serde(flatten)]
    item: Item,
    rank: u32,
}

/// Entries in play order. Their ranks are a permutation of `0..len`: the order that `shuffle` off brings back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Queue {
    entries: Vec<QueueEntry>,
}

impl Queue {
    /// The size of an entry in memory, in bytes.
    pub(super) const ENTRY_BYTES: usize = size_of::<QueueEntry>();

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// At most `limit` entries from `from` on, and never more than [`PAGE_ITEMS`].
    #[must_use]
    pub fn page(&self, playback: &Playback, from: usize, limit: usize) -> QueuePage {
        QueuePage {
            epoch: playback.epoch,
            queue_revision: playback.queue_revision,
            from,
            total: self.len(),
            items: self.items().skip(from).take(limit.min(PAGE_ITEMS)).copied().collect(),
        }
    }

    /// The entries in play order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.entries.iter().map(|entry| &entry.item)
    }

    /// The entry of that id.
    #[must_use]
    pub fn get(&self, id: ItemId) -> Option<Item> {
        self.items().find(|item| item.id == id).copied()
    }

    /// The first entry in play order.
    #[must_use]
    pub fn first(&self) -> Option<Item> {
        self.items().next().copied()
    }

    fn index_of(&self, id: ItemId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.item.id == id)
    }

    fn at(&self, index: usize) -> Option<Item> {
        self.entries.get(index).map(|entry| entry.item)
    }

    /// What plays by itself when `current` ends.
    #[must_use]
    pub fn next_after(&self, current: ItemId, repeat: Repeat) -> Option<Item> {
        let index = self.index_of(current)?;
        match repeat {
            Repeat::One => self.at(index),
            Repeat::All => self.at(index + 1).or_else(|| self.first()),
            Repeat::Off => self.at(index + 1),
        }
    }

    /// The entry that the command `next` goes to: the following one, and from the last one the first, unless repeat is
    /// off.
    #[must_use]
    pub fn skip_after(&self, current: ItemId, repeat: Repeat) -> Option<Item> {
        self.next_after(current, if repeat == Repeat::Off { Repeat::Off } else { Repeat::All })
    }

    /// The entry that the command `previous` goes to: the one before, and from the first one the last, unless repeat is
    /// off.
    #[must_use]
    pub fn before(&self, current: ItemId, repeat: Repeat) -> Option<Item> {
        match self.index_of(current)?.checked_sub(1) {
            Some(index) => self.at(index),
            None if repeat == Repeat::Off => None,
            None => self.entries.last().map(|entry| entry.item),
        }
    }

    /// Puts `items` at `place`. Returns false, and changes nothing, when the entry it names is missing.
    pub fn insert(&mut self, place: Place, items: Vec<Item>) -> bool {
        let Some(index) = self.index_at(place) else { return false };
        let rank = match place {
            Place::End => self.ranks(),
            Place::After(_) => self.entries.get(index.wrapping_sub(1)).map_or(0, |entry| entry.rank + 1),
            Place::Before(_) => self.entries.get(index).map_or(0, |entry| entry.rank),
        };
        let added = u32::try_from(items.len()).unwrap_or(u32::MAX);
        for entry in self.entries.iter_mut().filter(|entry| entry.rank >= rank) {
            entry.rank += added;
        }
        let new = items.into_iter().zip(rank..).map(|(item, rank)| QueueEntry { item, rank });
        self.entries.splice(index..index, new);
        true
    }

    /// Moves the entry `id` to `place`; in both orders while not shuffled, in the play order alone while shuffled.
    /// Returns false, and changes nothing, when an entry is missing.
    pub fn shift(&mut self, id: ItemId, place: Place, shuffled: bool) -> bool {
        let itself = matches!(place, Place::After(other) | Place::Before(other) if other == id);
        let (false, Some(from), Some(_)) = (itself, self.index_of(id), self.index_at(place)) else { return false };
        let entry = self.entries.remove(from);
        let to = self.index_at(place).unwrap_or(self.entries.len());
        self.entries.insert(to, entry);
        if !shuffled {
            self.rank_as_played();
        }
        true
    }

    fn index_at(&self, place: Place) -> Option<usize> {
        match place {
            Place::End => Some(self.entries.len()),
            Place::After(id) => self.index_of(id).map(|index| index + 1),
            Place::Before(id) => self.index_of(id),
        }
    }

    /// Takes the entry `id` out. Returns false when there is none.
    pub fn remove(&mut self, id: ItemId) -> bool {
        let Some(index) = self.index_of(id) else { return false };
        let gone = self.entries.remove(index).rank;
        for entry in self.entries.iter_mut().filter(|entry| entry.rank > gone) {
            entry.rank -= 1;
        }
        true
    }

    /// Permutes the play order once with `seed`; `first`, where it is an entry, comes to the front.
    pub fn shuffle(&mut self, first: Option<ItemId>, seed: u64) {
        let mut random = SplitMix(seed);
        for index in (1..self.entries.len()).rev() {
            self.entries.swap(index, random.below(index + 1));
        }
        if let Some(index) = first.and_then(|id| self.index_of(id)) {
            self.entries.swap(0, index);
        }
    }

    /// Brings back the order from before any shuffle.
    pub fn unshuffle(&mut self) {
        self.entries.sort_unstable_by_key(|entry| entry.rank);
    }

    fn rank_as_played(&mut self) {
        for (entry, rank) in self.entries.iter_mut().zip(0..) {
            entry.rank = rank;
        }
    }

    fn ranks(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Whether ids are unique and ranks a permutation.
    pub(super) fn is_sound(&self) -> bool {
        let mut ids: Vec<ItemId> = self.items().map(|item| item.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut ranks: Vec<u32> = self.entries.iter().map(|entry| entry.rank).collect();
        ranks.sort_unstable();
        ids.len() == self.entries.len() && ranks.iter().copied().eq(0..self.ranks())
    }
}

/// The generator of Steele, Lea and Flood (`SplitMix64`, OOPSLA 2014): good enough for a shuffle.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: u64) -> Item {
        Item { id: ItemId(id), kind: MediaKind::Track, media_id: MediaId(7), duration_ms: None }
    }

    fn queue(ids: impl IntoIterator<Item = u64>) -> Queue {
        let mut queue = Queue::default();
        assert!(queue.insert(Place::End, ids.into_iter().map(item).collect()));
        queue
    }

    fn ids(queue: &Queue) -> Vec<u64> {
        assert!(queue.is_sound(), "{queue:?}");
        queue.items().map(|item| item.id.0).collect()
    }

    #[test]
    fn goes_on_as_repeat_says() {
        let queue = queue([1, 2, 3]);
        let next = |id, repeat| queue.next_after(ItemId(id), repeat).map(|item| item.id.0);
        assert_eq!([next(1, Repeat::Off), next(3, Repeat::Off)], [Some(2), None]);
        assert_eq!([next(1, Repeat::One), next(3, Repeat::One)], [Some(1), Some(3)]);
        assert_eq!([next(1, Repeat::All), next(3, Repeat::All)], [Some(2), Some(1)]);
        assert_eq!(queue.skip_after(ItemId(1), Repeat::One), Some(item(2)));
        assert_eq!(queue.before(ItemId(1), Repeat::Off), None);
        assert_eq!(queue.before(ItemId(1), Repeat::One), Some(item(3)));
        assert_eq!(queue.before(ItemId(3), Repeat::Off), Some(item(2)));
    }

    #[test]
    fn edits_hit_the_entry_that_was_named() {
        let mut queue = queue([1, 2, 3]);
        assert!(queue.insert(Place::After(ItemId(1)), vec![item(4), item(5)]));
        assert_eq!(ids(&queue), [1, 4, 5, 2, 3]);
        assert!(queue.insert(Place::Before(ItemId(1)), vec![item(6)]));
        assert!(queue.shift(ItemId(3), Place::After(ItemId(6)), false));
        assert_eq!(ids(&queue), [6, 3, 1, 4, 5, 2]);
        assert!(queue.shift(ItemId(2), Place::Before(ItemId(6)), false));
        assert!(queue.remove(ItemId(1)));
        assert_eq!(ids(&queue), [2, 6, 3, 4, 5]);
        assert!(queue.shift(ItemId(6), Place::End, false));
        assert_eq!(ids(&queue), [2, 3, 4, 5, 6]);
        assert!(!queue.remove(ItemId(1)));
        assert!(!queue.insert(Place::After(ItemId(1)), vec![item(8)]));
        assert!(!queue.shift(ItemId(2), Place::Before(ItemId(1)), false));
        assert!(!queue.shift(ItemId(2), Place::After(ItemId(2)), false));
        assert_eq!(ids(&queue), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn shuffle_permutes_once_and_off_brings_the_order_back() {
        let mut queue = queue(0..100);
        queue.shuffle(Some(ItemId(40)), 9);
        let shuffled = ids(&queue);
        assert_eq!(shuffled[0], 40);
        assert!(shuffled.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count() < 10, "{shuffled:?}");
        assert!(queue.insert(Place::After(ItemId(40)), vec![item(200)]));
        assert_eq!(ids(&queue)[1], 200);
        assert!(queue.remove(ItemId(0)));
        assert!(queue.shift(ItemId(50), Place::Before(ItemId(40)), true));
        queue.unshuffle();
        let expected: Vec<u64> = (1..=40).chain([200]).chain(41..100).collect();
        assert_eq!(ids(&queue), expected);
    }
}

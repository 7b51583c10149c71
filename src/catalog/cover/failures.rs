//! The covers that could not be made, so that the same work does not fail again and again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The most covers that are remembered; the oldest are forgotten first.
const MOST: usize = 4_096;
/// How long it is remembered that no file has a picture: one on a disk that was away may be back.
const GONE: Duration = Duration::from_secs(10);

/// Why a cover could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CoverFailure {
    /// The picture cannot be decoded. That holds for good, because the id of a cover is a hash of the picture.
    Undecodable,
    /// No file has the picture.
    Gone,
}

/// The failures by the ids of covers.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<FailuresById>);

#[derive(Debug, Default)]
struct FailuresById {
    by_id: HashMap<i64, (CoverFailure, Instant)>,
    /// The ids, the oldest first.
    order: VecDeque<i64>,
}

impl Failures {
    /// Why the cover with this id could not be made lately.
    pub(super) fn of(&self, id: i64) -> Option<CoverFailure> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (failure, since) = *state.by_id.get(&id)?;
        (failure == CoverFailure::Undecodable || since.elapsed() < GONE).then_some(failure)
    }

    /// Remembers a failure.
    pub(super) fn note(&self, id: i64, failure: CoverFailure) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.by_id.insert(id, (failure, Instant::now())).is_none() {
            state.order.push_back(id);
        }
        if state.order.len() > MOST
            && let Some(oldest) = state.order.pop_front()
        {
            state.by_id.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_failures_are_forgotten() {
        let failures = Failures::default();
        for id in 0..=i64::try_from(MOST).expect("small") {
            failures.note(id, CoverFailure::Undecodable);
            failures.note(id, CoverFailure::Undecodable);
        }
        assert_eq!((failures.of(0), failures.of(1)), (None, Some(CoverFailure::Undecodable)));
        let state = failures.0.lock().expect("whole");
        assert_eq!((state.by_id.len(), state.order.len()), (MOST, MOST));
    }
}

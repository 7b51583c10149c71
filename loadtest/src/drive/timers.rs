//! What is due when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things that are due at instants, in microseconds.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    heap: BinaryHeap<Reverse<(i64, T)>>,
}

impl<T: Ord> Timers<T> {
    /// Nothing is due.
    pub(crate) const fn new() -> Self {
        Self { heap: BinaryHeap::new() }
    }

    /// `what` is due then.
    pub(crate) fn push(&mut self, at_us: i64, what: T) {
        self.heap.push(Reverse((at_us, what)));
    }

    /// What is due first, if that is due now, with its instant.
    pub(crate) fn pop(&mut self, now_us: i64) -> Option<(i64, T)> {
        if self.next()? > now_us {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }

    /// The first instant at which something is due.
    pub(crate) fn next(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse((at_us, _))| *at_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order() {
        let mut timers = Timers::new();
        assert_eq!((timers.next(), timers.pop(9)), (None, None));
        for (at_us, what) in [(5, 'b'), (9, 'd'), (1, 'a'), (6, 'c')] {
            timers.push(at_us, what);
        }
        let due: Vec<_> = std::iter::from_fn(|| timers.pop(6)).collect();
        assert_eq!(due, [(1, 'a'), (5, 'b'), (6, 'c')]);
        assert_eq!(timers.next(), Some(9));
    }
}

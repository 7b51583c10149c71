//! The commands and reports of one user on their way to the other devices: pure.

use crate::number::span_us;
use segue_client::CommandId;
use segue_client::protocol::ids::Micros;
use std::collections::VecDeque;

/// Commands that are followed at once; beyond it the oldest is followed no more.
const MOST: usize = 64;

/// Why a command was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The queue of the start.
    Start,
    /// One more track.
    Insert,
    /// The pause before the end.
    LastPause,
    /// The seek to this place, in milliseconds, before the end.
    LastSeek(i64),
    /// Anything else.
    Other,
}

/// A command on its way.
#[derive(Debug, Clone, Copy)]
struct Followed {
    id: CommandId,
    purpose: Purpose,
    by: usize,
    planned_us: i64,
    /// The revision of its `ack`.
    acked: Option<u64>,
    /// The devices that were shown it, a bit for each.
    shown: u64,
}

/// A device was shown what another one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The device that did it.
    pub by: usize,
    /// The device that was shown it.
    pub to: usize,
    /// How long it took, in microseconds.
    pub us: u64,
}

/// What a device was shown last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The revision.
    pub revision: u64,
    /// When, in microseconds of the run's clock.
    pub at_us: i64,
}

/// An answer that was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Why the command was given.
    pub purpose: Purpose,
    /// How long its answer took from the planned instant, in microseconds.
    pub us: u64,
}

/// The book of one user.
#[derive(Debug, Clone, Default)]
pub struct Book {
    commands: VecDeque<Followed>,
    unanswered: usize,
    /// The newest report: its instant in server time, its device, when it was sent, and the devices that were shown it.
    report: Option<(Micros, usize, i64, u64)>,
}

impl Book {
    /// A device gives a command.
    pub fn given(&mut self, id: CommandId, purpose: Purpose, by: usize, planned_us: i64) {
        if self.commands.len() >= MOST {
            let answered = self.commands.iter().position(|command| command.acked.is_some());
            if let Some(command) = self.commands.remove(answered.unwrap_or(0)) {
                self.unanswered = self.unanswered.saturating_sub(usize::from(command.acked.is_none()));
            }
        }
        self.unanswered = self.unanswered.saturating_add(1);
        self.commands.push_back(Followed { id, purpose, by, planned_us, acked: None, shown: bit(by) });
    }

    /// Commands without an answer.
    #[must_use]
    pub const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// A command was answered: with the revision it made, or not carried out. `shown` is what each device was shown
    /// last; those that were shown that revision before the `ack` are in `delivered`.
    pub fn answered(
        &mut self,
        id: CommandId,
        revision: Option<u64>,
        now_us: i64,
        shown: &[Option<Shown>],
        delivered: &mut Vec<Delivered>,
    ) -> Option<Settled> {
        let place = self.commands.iter().position(|command| command.id == id && command.acked.is_none())?;
        self.unanswered = self.unanswered.saturating_sub(1);
        let command = self.commands.get_mut(place)?;
        let settled = Settled { purpose: command.purpose, us: span_us(command.planned_us, now_us) };
        if revision.is_none() {
            self.commands.remove(place);
            return Some(settled);
        }
        command.acked = revision;
        for (to, shown) in shown.iter().enumerate() {
            if let Some(shown) = shown.filter(|shown| Some(shown.revision) >= revision) {
                command.deliver(to, shown.at_us, delivered);
            }
        }
        self.forget(shown.len());
        Some(settled)
    }

    /// A device was shown a revision, and which command made it.
    pub fn shown(
        &mut self,
        to: usize,
        devices: usize,
        shown: Shown,
        by: Option<CommandId>,
        delivered: &mut Vec<Delivered>,
    ) {
        for command in &mut self.commands {
            let is_acked = command.acked.is_some_and(|acked| acked <= shown.revision);
            if is_acked || by == Some(command.id) {
                command.deliver(to, shown.at_us, delivered);
            }
        }
        self.forget(devices);
    }

    /// What all devices were shown is followed no more.
    fn forget(&mut self, devices: usize) {
        let all = (0..devices).fold(0, |all, device| all | bit(device));
        self.commands.retain(|command| command.acked.is_none() || command.shown & all != all);
    }

    /// A device reports with this instant.
    pub fn reported(&mut self, by: usize, at: Micros, now_us: i64) {
        self.report = Some((at, by, now_us, bit(by)));
    }

    /// A device was shown a place that holds from this instant: the report with this instant has reached it.
    pub fn placed(&mut self, to: usize, at: Micros, now_us: i64) -> Option<u64> {
        let (reported, _, sent_us, shown) = self.report.as_mut().filter(|report| report.0 == at)?;
        debug_assert_eq!(*reported, at);
        let is_new = *shown & bit(to) == 0;
        *shown |= bit(to);
        is_new.then(|| span_us(*sent_us, now_us))
    }
}

impl Followed {
    fn deliver(&mut self, to: usize, at_us: i64, delivered: &mut Vec<Delivered>) {
        if self.shown & bit(to) == 0 {
            self.shown |= bit(to);
            delivered.push(Delivered { by: self.by, to, us: span_us(self.planned_us, at_us) });
        }
    }
}

/// The bit of a device; those from 64 on, which no user has, share the last one.
fn bit(device: usize) -> u64 {
    1 << device.min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: CommandId = CommandId(1);

    fn at(revision: u64, at_us: i64) -> Shown {
        Shown { revision, at_us }
    }

    #[test]
    fn latency_counts_from_the_planned_instant() {
        let (mut book, mut delivered) = (Book::default(), Vec::new());
        book.given(PAUSE, Purpose::Other, 0, 1_000);
        assert_eq!(book.unanswered(), 1);
        book.shown(0, 3, at(5, 4_000), Some(PAUSE), &mut delivered);
        book.shown(1, 3, at(5, 5_000), Some(PAUSE), &mut delivered);
        book.shown(1, 3, at(5, 9_000), Some(PAUSE), &mut delivered);
        assert_eq!(delivered, [Delivered { by: 0, to: 1, us: 4_000 }], "once for each other device");
        let shown = [Some(at(5, 4_000)), Some(at(5, 9_000)), None];
        let settled = book.answered(PAUSE, Some(5), 7_000, &shown, &mut delivered);
        assert_eq!(settled, Some(Settled { purpose: Purpose::Other, us: 6_000 }));
        book.shown(2, 3, at(6, 11_000), None, &mut delivered);
        assert_eq!(delivered[1..], [Delivered { by: 0, to: 2, us: 10_000 }], "a newer state shows it as well");
        assert!(book.commands.is_empty());
    }

    #[test]
    fn a_state_without_its_command_that_came_before_the_ack_counts_as_delivered() {
        let (mut book, mut delivered) = (Book::default(), Vec::new());
        book.given(PAUSE, Purpose::Insert, 1, 0);
        book.shown(0, 2, at(8, 300), None, &mut delivered);
        assert_eq!(delivered, []);
        let settled = book.answered(PAUSE, Some(7), 400, &[Some(at(8, 300)), None], &mut delivered);
        assert_eq!(settled.map(|settled| settled.purpose), Some(Purpose::Insert));
        assert_eq!(delivered, [Delivered { by: 1, to: 0, us: 300 }]);
    }

    #[test]
    fn a_rejected_command_is_followed_no_more() {
        let (mut book, mut delivered) = (Book::default(), Vec::new());
        book.given(PAUSE, Purpose::Other, 0, 0);
        assert!(book.answered(PAUSE, None, 10, &[None, None], &mut delivered).is_some());
        assert!(book.answered(PAUSE, Some(3), 20, &[None, None], &mut delivered).is_none(), "it has its answer");
        assert_eq!((book.unanswered(), delivered.len()), (0, 0));
    }

    #[test]
    fn a_book_has_a_limit() {
        let mut book = Book::default();
        (0..1_000).for_each(|id| book.given(CommandId(id), Purpose::Other, 0, 0));
        assert_eq!((book.commands.len(), book.unanswered()), (MOST, MOST));
    }

    #[test]
    fn a_report_reaches_each_other_device_once() {
        let mut book = Book::default();
        book.reported(0, Micros(77), 1_000);
        assert_eq!(book.placed(0, Micros(77), 1_500), None, "its own");
        assert_eq!(book.placed(1, Micros(76), 1_500), None, "another one");
        assert_eq!(book.placed(1, Micros(77), 1_500), Some(500));
        assert_eq!(book.placed(1, Micros(77), 1_600), None);
        assert_eq!(book.placed(2, Micros(77), 1_700), Some(700));
    }
}

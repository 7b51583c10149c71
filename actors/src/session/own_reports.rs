//! Which device has the newest playback although it was not sent to it, because its own reports made it (R3).

use crate::protocol::ids::{ConnectionId, Stamp};
use crate::state::{Effect, OwnReport};

/// What the device that reported last has. Only the active device reports, so one is enough.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnReports(Option<Copied>);

#[derive(Debug, Clone, Copy)]
struct Copied {
    connection: ConnectionId,
    /// The stamp of the newest playback that was sent to the device.
    seen: Stamp,
    /// The stamp of the playback that is the same as that one with the reports of the device; `None`: it is not known which
    /// of its reports the device has added to it.
    is: Option<Stamp>,
}

impl OwnReports {
    /// Of the playback that changed from that of stamp `before` to that of `after` with these effects: the device that has it
    /// by itself, so that it need not be sent to it.
    pub fn knower(&mut self, before: Stamp, after: Stamp, effects: &[Effect]) -> Option<ConnectionId> {
        let own = effects.iter().find_map(|effect| match effect {
            // Of several changes that are shown together a report is not all.
            Effect::OwnReport(own) => (own.before == before && own.after == after).then_some(*own),
            _ => None,
        });
        own.filter(|own| self.is_known(*own)).map(|own| own.connection)
    }

    /// Whether the author of a report has by itself what that changed.
    fn is_known(&mut self, own: OwnReport) -> bool {
        let OwnReport { connection, seen, before, after } = own;
        let is = match &self.0 {
            Some(copy) if copy.connection == connection && copy.seen == seen => copy.is,
            _ => Some(seen),
        };
        let is_known = is == Some(before);
        if is_known {
            self.0 = Some(Copied { connection, seen, is: Some(after) });
        }
        is_known
    }

    /// The device is sent the playback of this stamp again. Reports that are on their way were added to the one before, and
    /// later ones are added to this one; both name the same stamp.
    pub fn sent_again(&mut self, connection: ConnectionId, stamp: Stamp) {
        self.0 = Some(Copied { connection, seen: stamp, is: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConnectionId = ConnectionId(1);
    const B: ConnectionId = ConnectionId(2);

    fn stamp(revision: u64) -> Stamp {
        Stamp { epoch: 1, revision }
    }

    fn report(connection: ConnectionId, [seen, before, after]: [u64; 3]) -> OwnReport {
        OwnReport { connection, seen: stamp(seen), before: stamp(before), after: stamp(after) }
    }

    #[test]
    fn an_author_knows_its_own_reports_and_nothing_else() {
        let mut own = OwnReports::default();
        assert!(own.is_known(report(A, [5, 5, 6])));
        assert!(own.is_known(report(A, [5, 6, 7])), "the one before was its own");
        assert!(!own.is_known(report(A, [5, 8, 9])), "8 is not");
        assert!(own.is_known(report(A, [9, 9, 10])), "it was sent 9");
        assert!(!own.is_known(report(B, [9, 10, 11])), "another device has not reported 10");
    }

    #[test]
    fn after_it_was_sent_the_same_again_it_is_sent_the_next() {
        let mut own = OwnReports::default();
        own.sent_again(A, stamp(5));
        assert!(!own.is_known(report(A, [5, 5, 6])), "reported before or after it came");
        assert!(own.is_known(report(A, [6, 6, 7])));
    }
}

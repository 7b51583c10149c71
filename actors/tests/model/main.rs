//! The commit protocol as a model, checked exhaustively within bounds: two nodes that share a database by
//! compare-and-set, three devices that hand the right to sound to each other, and everything that breaks.
//!
//! It states in its smallest form what `actors/src/state` and `client/src/rules` promise: one audible device, nothing
//! acknowledged lost, nothing applied twice. Positions, queues and presence are left out; clocks agree.
//! `SEGUE_MODEL=long` checks more.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]

mod device;
mod record;
mod world;

use record::Broken;
use stateright::{Checker, HasDiscoveries, Model as _};
use std::io::Write as _;
use world::{Bounds, Commits};

/// What may happen in one run, in the gate.
const BOUNDS: &[Bounds] = &[
    Bounds { commands: 2, ticks: 1, ..Bounds::NONE },
    Bounds { commands: 1, ticks: 1, breaks: 1, joins: 1, ..Bounds::NONE },
    Bounds { commands: 1, doubts: 1, cuts: 1, ..Bounds::NONE },
];

/// What may happen in one run of the long form, within 12 GiB.
const LONG_BOUNDS: &[Bounds] = &[
    Bounds { commands: 2, ticks: 1, doubts: 1, ..Bounds::NONE },
    Bounds { commands: 1, ticks: 1, breaks: 2, joins: 1, ..Bounds::NONE },
    Bounds { commands: 1, ticks: 1, breaks: 1, joins: 1, cuts: 1, ..Bounds::NONE },
];

fn check(bounds: Bounds, broken: Broken, until: HasDiscoveries) -> impl Checker<Commits> {
    let builder = Commits { bounds, broken }.checker().threads(2).finish_when(until);
    let checker = builder.spawn_bfs().join();
    // A closed standard output is no failure.
    let _ = writeln!(
        std::io::stdout(),
        "{broken:?} {bounds:?}: {} states, depth {}",
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker
}

#[test]
fn the_promises_hold_in_every_order() {
    let long = std::env::var_os("SEGUE_MODEL").is_some_and(|value| value == "long");
    let mut met = Vec::new();
    for bounds in BOUNDS.iter().chain(LONG_BOUNDS.iter().filter(|_| long)) {
        let checker = check(*bounds, Broken::Nothing, HasDiscoveries::AnyFailures);
        let found: Vec<_> = checker.discoveries().into_keys().collect();
        for promise in world::PROMISES {
            let path = checker.discovery(promise).map(stateright::Path::into_actions);
            assert!(path.is_none(), "{promise}: {path:#?}");
        }
        met.extend(found);
    }
    for rare in world::RARE {
        assert!(met.contains(rare), "the bounds are too narrow: never met that {rare}");
    }
}

#[test]
fn each_broken_rule_has_a_counterexample() {
    let two = Bounds { commands: 2, ticks: 1, ..Bounds::NONE };
    let doubted = Bounds { commands: 1, doubts: 1, ..Bounds::NONE };
    let cases = [
        (Broken::CompareAndSet, two),
        (Broken::AnsweredCommands, doubted),
        (Broken::Waiting, Bounds { commands: 1, ..Bounds::NONE }),
        (Broken::WaitingForAll, two),
        (Broken::Seen, two),
        (Broken::QuietFrom, two),
        (Broken::NamedConnection, Bounds { commands: 1, breaks: 1, joins: 1, ..Bounds::NONE }),
        (Broken::NodeLost, Bounds { commands: 1, cuts: 1, ..Bounds::NONE }),
        (Broken::Ack, doubted),
    ];
    for (broken, bounds) in cases {
        let checker = check(bounds, broken, HasDiscoveries::AnyFailures);
        let is_found = world::PROMISES.iter().any(|promise| checker.discovery(promise).is_some());
        assert!(is_found, "{broken:?} harms nothing that is checked");
    }
}

//! The simulation: the session's rules, the node's, and the clients', in virtual time over links that delay, break and
//! fall silent, with reloads, crashes, a database that fails and is put back, and several people's random commands. One
//! to three nodes share the database; they crash, are cut off from it, and tell each other what they wrote by a bus that
//! loses much.
//!
//! `SEGUE_SIM_RUNS=20000 cargo test -p segue-actors --profile ci --test sim` runs so many fresh seeds (2,000 without);
//! `SEGUE_SIM_SEED=7` runs one and prints what happens; `SEGUE_SIM_FROM=1` begins there and not anywhere.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]
#![allow(clippy::unreadable_literal, reason = "seeds stand here as they are printed")]
#![allow(clippy::print_stdout, reason = "counts and traces are what a person runs it for")]

mod chance;
mod checks;
mod clients;
mod commands;
mod coverage;
mod faults;
mod hostile;
mod lies;
mod links;
mod moves;
mod nodes;
mod notes;
mod overlap;
mod server;
mod session;
mod shown;
mod sleep;
mod store;
mod world;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use world::World;

/// Seeds that failed once.
const ONCE_FAILED: &[u64] = &[
    801133606590,
    462174773272,
    336396536296,
    187324837844,
    154667298489,
    838615034552,
    156302051935,
    6,
    20,
    41,
    60,
    88,
    812,
    1874,
    3144,
    7931,
    13170,
    454545382660,
    832066520056,
    982733739979,
    1068347996304,
    467250029279,
    236359078430,
    675210769461,
    418574358897,
    1008236516794,
    681022462866,
    349729782149,
    17757590281,
    220544867134,
    237913722061,
    504786896691,
    988234443917,
];
/// After so many runs it says how far it is.
const PROGRESS_EACH: u64 = 50_000;
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs one seed; its counts, and the commands it gave.
fn run(seed: u64, is_traced: bool) -> Result<World, String> {
    outcome_of(World::new(seed, is_traced))
}

/// Runs one seed in a world where something is wrong.
fn run_under(lie: lies::Lie, seed: u64) -> Result<World, String> {
    let mut world = World::new(seed, false);
    world.lie = Some(lie);
    outcome_of(world)
}

fn outcome_of(mut world: World) -> Result<World, String> {
    match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(()) => Ok(world),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
        }
    }
}

/// The worst of all runs, each within its bound.
#[derive(Default)]
struct Worst {
    error_ms: i64,
    overlap_us: i64,
    beside_us: i64,
    jump_ms: i64,
    /// On one node, and on several, with the seed.
    waits_us: [(i64, u64); 2],
}

impl Worst {
    fn note(&mut self, seed: u64, world: &World) {
        self.error_ms = self.error_ms.max(world.worst_error_ms);
        self.overlap_us = self.overlap_us.max(world.worst_overlap_us);
        self.beside_us = self.beside_us.max(world.worst_beside_us);
        self.jump_ms = self.jump_ms.max(world.worst_jump_ms);
        let waits_us = &mut self.waits_us[usize::from(world.is_shared())];
        *waits_us = (world.worst_wait_us, seed).max(*waits_us);
    }
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [(wait_ms, seed), (others_ms, others)] = self.waits_us.map(|(us, seed)| (us / 1_000, seed));
        writeln!(f, "worst position error {} ms, within both clocks' bounds + 40 ms", self.error_ms)?;
        writeln!(
            f,
            "worst overlap of connected devices {} us, at a switch and within their clocks' bounds",
            self.overlap_us
        )?;
        writeln!(f, "worst jump of what is shown from one node to another {} ms", self.jump_ms)?;
        writeln!(f, "worst overlap with one that was cut off {} ms", self.beside_us / 1_000)?;
        writeln!(f, "who takes over waits {wait_ms} ms at most (seed {seed})")?;
        write!(f, "and {others_ms} ms where a bus that may lose all tells of it (seed {others})")
    }
}

/// For whoever reads the gate's output, which a captured line does not reach.
macro_rules! say {
    ($($words:tt)*) => {{
        // Nobody need be reading.
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

#[test]
fn random_runs_keep_every_promise() {
    if let Ok(seed) = std::env::var("SEGUE_SIM_SEED") {
        run(seed.parse().expect("a number"), true).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        return;
    }
    let anywhere = RandomState::new().hash_one(()) >> 24;
    let (runs, from) = (number("SEGUE_SIM_RUNS", 2_000), number("SEGUE_SIM_FROM", anywhere));
    let next = AtomicU64::new(from);
    let failed = Mutex::new(None::<(u64, String)>);
    let total = Mutex::new((BTreeMap::<String, usize>::new(), 0_u64, Worst::default()));
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = failed.lock().expect("no panic holds it").is_some();
                    if seed >= from + runs || is_over {
                        return;
                    }
                    if seed > from && (seed - from).is_multiple_of(PROGRESS_EACH) {
                        say!("{} of {runs} runs in {:.0} s", seed - from, started.elapsed().as_secs_f64());
                    }
                    match run(seed, false) {
                        Ok(world) => {
                            let mut total = total.lock().expect("no panic holds it");
                            for what in &world.seen {
                                *total.0.entry(what.clone()).or_default() += 1;
                            }
                            total.1 += world.commands;
                            total.2.note(seed, &world);
                        }
                        Err(why) => *failed.lock().expect("no panic holds it") = Some((seed, why)),
                    }
                }
            });
        }
    });
    if let Some((seed, why)) = failed.into_inner().expect("no panic holds it") {
        panic!(
            "seed {seed}: {why}\nreplay: SEGUE_SIM_SEED={seed} cargo test -p segue-actors --test sim -- --nocapture"
        );
    }
    let (seen, commands, worst) = total.into_inner().expect("no panic holds it");
    say!("{runs} runs from seed {from} in {:.1} s, {commands} commands", started.elapsed().as_secs_f64());
    say!("{worst}");
    for (what, runs) in &seen {
        say!("{runs:>7}  {what}");
    }
    let rare = coverage::rare(&seen, usize::try_from(runs).expect("not so many"));
    assert!(runs < 1_000 || rare.is_empty(), "in too few runs: {rare:?}");
}

#[test]
fn seeds_that_failed_once_pass() {
    for seed in ONCE_FAILED {
        run(*seed, false).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

/// In how many of the first `runs` all of it occurred.
fn among(runs: u64, what: &[&str]) -> usize {
    let is_met = |seed: &u64| {
        let world = run(*seed, false).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        what.iter().all(|what| world.seen.contains(*what))
    };
    (0..runs).filter(is_met).count()
}

/// Each time that a node counts as lost it is looked whether it still has sockets; so it is in every other run, too.
#[test]
fn t97_a_node_that_is_cut_off_has_closed_its_sockets_before_another_may_grant() {
    assert!(among(400, &["node gives up its sockets", "event node lost"]) >= 40);
}

/// Each time that a device comes to another node while it shows what plays, in every other run as well.
#[test]
fn t23_what_is_shown_does_not_jump_from_one_node_to_another() {
    assert!(among(400, &["moved to another node while it played"]) >= 40);
}

/// Each record that is written after a kill is looked at, in every other run as well.
#[test]
fn t53_devices_of_a_killed_node_come_back_without_a_flicker_or_leave() {
    assert!(among(400, &["back without a flicker after a kill"]) >= 40);
    assert!(among(1_600, &["gone in time after a kill"]) >= 4);
}

#[test]
fn a_seed_says_everything() {
    for seed in 7..17 {
        let twice = [(); 2].map(|()| run(seed, false).expect("it passes"));
        assert_eq!(
            (twice[0].commands, &twice[0].seen, twice[0].steps),
            (twice[1].commands, &twice[1].seen, twice[1].steps)
        );
    }
}

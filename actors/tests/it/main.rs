//! Tests of the core: scenarios of the pure state, random sessions, the wire, and the real actors.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]

mod actors;
mod attacks;
mod clients;
mod ends;
mod failures;
mod hostile;
mod identity;
mod leases;
mod mutants;
mod nodes;
mod numbers;
mod presence;
mod properties;
mod protocol;
mod put_off;
mod queueing;
mod replica;
mod rollbacks;
mod scenario;
mod transfers;
mod wire;
mod words;

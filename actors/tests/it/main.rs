//! Tests of the core: scenarios of the pure state, random sessions, the wire, and the real actors.

mod actors;
mod ends;
mod leases;
mod presence;
mod properties;
mod queueing;
mod scenario;
mod wire;

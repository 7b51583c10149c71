//! For tests: implementations of the ports in memory, and the suites that every implementation of a port passes.

pub mod contracts;
pub mod memory;

//! What is to happen when, planned before it happens: pure, by a seed.

pub mod planner;
pub mod random;
pub mod scenario;
pub mod zipf;

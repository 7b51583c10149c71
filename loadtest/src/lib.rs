//! A load test of a Segue server: devices that follow the rules of real ones, an open loop of what people do, checks of
//! what the server promises, and a report. `README.md` says how to run it and what is measured how.

pub mod catalogue;
pub mod check;
pub mod drive;
pub mod duel;
pub mod machine;
pub mod measure;
pub mod number;
pub mod plan;
pub mod report;
pub mod run;

//! Scans: read the music folders and update the catalogue. See README.md.

mod changes;
mod check;
mod compare;
mod find;
mod job;
mod names;
mod objects;
mod patience;
mod progress;
mod readers;
mod recorder;
mod run;
mod scope;
mod service;
mod trouble;
mod walk;
mod watch;

pub use check::{BucketCheck, BucketCounts, BucketFinding, CheckError, sha256_of_name};
pub use find::{FoundMusic, find};
pub use patience::ScanError;
pub use progress::{Board, ScanProgress};
pub use run::scan;
pub use scope::{Music, Scope};
pub use service::{Scanner, run_one};

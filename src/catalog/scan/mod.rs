//! Scans: what is in the music folders, brought into the catalogue; see README.md.

mod changes;
mod compare;
mod patience;
mod progress;
mod readers;
mod recorder;
mod run;
mod scope;
mod service;
mod walk;
mod watch;

pub use patience::ScanError;
pub use progress::{Board, ScanProgress};
pub use run::scan;
pub use scope::Scope;
pub use service::{Scanner, run_one};
